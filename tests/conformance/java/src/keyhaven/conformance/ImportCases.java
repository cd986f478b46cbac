package keyhaven.conformance;

import static keyhaven.conformance.Client.base64;
import static keyhaven.conformance.Client.key;
import static keyhaven.conformance.Client.name;
import static keyhaven.conformance.Client.random;
import static keyhaven.conformance.Report.equal;
import static keyhaven.conformance.Report.refusal;
import static keyhaven.conformance.Report.set;
import static keyhaven.conformance.Report.success;

import com.ibm.cloud.ibm_key_protect_api.v2.model.GetImportToken;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetImportTokenOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.ImportToken;
import com.ibm.cloud.ibm_key_protect_api.v2.model.PostImportTokenOptions;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.OAEPParameterSpec;
import javax.crypto.spec.PSource;
import javax.crypto.spec.SecretKeySpec;

/**
 * Import tokens, whose numbers are doubles in this SDK, and one secure import as HPCS documents
 * it.
 */
final class ImportCases {
  private final Client manager;
  private final Client reader = Client.of("KH_APIKEY_READER");

  ImportCases(Client manager) {
    this.manager = manager;
  }

  private ImportToken post(double seconds, double retrievals) {
    return manager.api
        .postImportToken(new PostImportTokenOptions.Builder(manager.instance)
                             .expiration(seconds)
                             .maxAllowedRetrievals(retrievals)
                             .build())
        .execute()
        .getResult();
  }

  private GetImportToken get(Client client) {
    return client.api.getImportToken(new GetImportTokenOptions.Builder(client.instance).build())
        .execute()
        .getResult();
  }

  void run() {
    success("postImportToken", "twenty minutes, two retrievals", () -> {
      ImportToken token = post(1200, 2);
      equal("allowed", token.maxAllowedRetrievals(), 2.0);
      equal("remaining", token.remainingRetrievals(), 2.0);
      equal("life in milliseconds",
          token.expirationDate().getTime() - token.creationDate().getTime(), 1_200_000L);
    });
    success("getImportToken", "counts the retrieval; the key is PEM", () -> {
      GetImportToken token = get(manager);
      equal("remaining", token.getRemainingRetrievals(), 1.0);
      equal("nonce bytes", set("nonce", token.getNonce()).length, 12);
      equal("algorithm", publicKey(token).getAlgorithm(), "RSA");
    });
    success("createKey", "secure import with SHA-1 and CBC", () -> {
      GetImportToken token = get(manager);
      byte[] material = random(32);
      byte[] iv = random(16);
      Cipher oaep = Cipher.getInstance("RSA/ECB/OAEPPadding");
      oaep.init(Cipher.ENCRYPT_MODE, publicKey(token),
          new OAEPParameterSpec(
              "SHA-1", "MGF1", MGF1ParameterSpec.SHA1, PSource.PSpecified.DEFAULT));
      Cipher cbc = Cipher.getInstance("AES/CBC/PKCS5Padding");
      cbc.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(material, "AES"), new IvParameterSpec(iv));
      String id = manager
                      .create(key(name("secure"), false, "payload", base64(oaep.doFinal(material)),
                          "encryptedNonce", base64(cbc.doFinal(token.getNonce())), "iv", base64(iv),
                          "encryptionAlgorithm", "RSAES_OAEP_SHA_1"))
                      .getId();
      String twin = manager.create(key(name("twin"), false, "payload", base64(material))).getId();
      var wrapped = manager.wrap(id, null);
      equal("plaintext",
          manager.unwrap(twin, java.util.Map.of("ciphertext", wrapped.getCiphertext()))
              .getPlaintext(),
          wrapped.getPlaintext());
    });
    refusal("postImportToken", "299 seconds", 400, "INVALID_FIELD_ERR", () -> post(299, 1));
    refusal("postImportToken", "half a retrieval", 400, "INVALID_FIELD_ERR", () -> post(600, 1.5));
    refusal("getImportToken", "after its last retrieval", 409, "IMPORT_TOKEN_EXPIRED_ERR",
        () -> get(manager));
    refusal("getImportToken", "Reader may not", 401, "", () -> get(reader));
  }

  private static PublicKey publicKey(GetImportToken token) throws Exception {
    String pem = new String(token.getPayload(), StandardCharsets.US_ASCII);
    byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
    return KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(der));
  }
}
