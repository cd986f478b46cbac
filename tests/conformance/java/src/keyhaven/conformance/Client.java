package keyhaven.conformance;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.ibm.cloud.ibm_key_protect_api.v2.IbmKeyProtectApi;
import com.ibm.cloud.ibm_key_protect_api.v2.model.ActionOnKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.CreateKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.DeleteKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.DisableKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.GetKeyMetadataOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.KeyActionOneOfResponse;
import com.ibm.cloud.ibm_key_protect_api.v2.model.KeyFullRepresentation;
import com.ibm.cloud.ibm_key_protect_api.v2.model.KeyWithPayload;
import com.ibm.cloud.ibm_key_protect_api.v2.model.RotateKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.UnwrapKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.UnwrapKeyResponseBody;
import com.ibm.cloud.ibm_key_protect_api.v2.model.WrapKeyOptions;
import com.ibm.cloud.ibm_key_protect_api.v2.model.WrapKeyResponseBody;
import com.ibm.cloud.sdk.core.security.IamAuthenticator;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * One identity at one instance: the SDK's service object, and short forms of what many cases call.
 */
final class Client {
  static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();
  static final String KEY_TYPE = "application/vnd.ibm.kms.key+json";
  static final String TAG = hex(4); // in every name, alias and ring of this run
  private static int serial;

  final IbmKeyProtectApi api;
  final String instance;

  Client(String apiKey, String instance) {
    IamAuthenticator authenticator =
        new IamAuthenticator.Builder().apikey(apiKey).url(System.getenv("KH_IAM_URL")).build();
    api = new IbmKeyProtectApi(IbmKeyProtectApi.DEFAULT_SERVICE_NAME, authenticator);
    api.setServiceUrl(System.getenv("KH_URL"));
    this.instance = instance;
  }

  static Client of(String variable) {
    return new Client(System.getenv(variable), System.getenv("KH_INSTANCE"));
  }

  static Client ofRules(String variable) {
    return new Client(System.getenv(variable), System.getenv("KH_INSTANCE_RULES"));
  }

  // --- material and bodies: the SDK takes the bodies of create, actions and restore as streams ---

  static String name(String what) {
    return "java-" + TAG + "-" + what + "-" + ++serial;
  }

  static byte[] random(int size) {
    byte[] out = new byte[size];
    new SecureRandom().nextBytes(out);
    return out;
  }

  private static String hex(int size) {
    StringBuilder out = new StringBuilder();
    for (byte one : random(size)) out.append(String.format("%02x", one));
    return out.toString();
  }

  static String unknownId() {
    String id = hex(16);
    return String.join("-", id.substring(0, 8), id.substring(8, 12), "4" + id.substring(13, 16),
        "a" + id.substring(17, 20), id.substring(20));
  }

  static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  static InputStream json(Object body) {
    return new ByteArrayInputStream(GSON.toJson(body).getBytes(StandardCharsets.UTF_8));
  }

  /** The envelope of a create call; `fields` are name, value, name, value. */
  static InputStream key(String name, boolean extractable, Object... fields) {
    Map<String, Object> resource = new LinkedHashMap<>();
    resource.put("type", KEY_TYPE);
    resource.put("name", name);
    resource.put("extractable", extractable);
    for (int i = 0; i < fields.length; i += 2) resource.put((String) fields[i], fields[i + 1]);
    return json(Map.of("metadata", Map.of("collectionType", KEY_TYPE, "collectionTotal", 1),
        "resources", List.of(resource)));
  }

  // --- calls ---

  KeyWithPayload create(InputStream body) {
    return api.createKey(new CreateKeyOptions.Builder(instance, body).build())
        .execute()
        .getResult()
        .getResources()
        .get(0);
  }

  String root() {
    return create(key(name("root"), false)).getId();
  }

  String standard() {
    return create(key(name("standard"), true)).getId();
  }

  KeyFullRepresentation metadata(String id) {
    return api.getKeyMetadata(new GetKeyMetadataOptions.Builder(id, instance).build())
        .execute()
        .getResult()
        .getResources()
        .get(0);
  }

  void delete(String id) {
    api.deleteKey(new DeleteKeyOptions.Builder(id, instance).build()).execute();
  }

  void disable(String id) {
    api.disableKey(new DisableKeyOptions.Builder(id, instance).build()).execute();
  }

  void rotate(String id, Object body) {
    RotateKeyOptions.Builder options = new RotateKeyOptions.Builder(id, instance);
    if (body != null)
      options.keyActionRotateBody(json(body));
    api.rotateKey(options.build()).execute();
  }

  WrapKeyResponseBody wrap(String id, Object body) {
    WrapKeyOptions.Builder options = new WrapKeyOptions.Builder(id, instance);
    if (body != null)
      options.keyActionWrapBody(json(body));
    return api.wrapKey(options.build()).execute().getResult();
  }

  UnwrapKeyResponseBody unwrap(String id, Object body) {
    return api.unwrapKey(new UnwrapKeyOptions.Builder(id, instance, json(body)).build())
        .execute()
        .getResult();
  }

  KeyActionOneOfResponse action(String id, String action, Object body) {
    return api.actionOnKey(new ActionOnKeyOptions.Builder(id, instance, action, json(body)).build())
        .execute()
        .getResult();
  }
}
