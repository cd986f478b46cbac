// Secure import, step by step: token, encrypt, paste. Where the page came from the server the encryption is done outside
// of it; under `keyhaven console` the page can do it.
import { Button } from "@carbon/react";
import { useState } from "react";
import { createImportToken, readImportToken, type ImportToken, type Material } from "../api/keys";
import { CopyableText, CopyButton } from "../components/CopyButton";
import { ErrorNotice } from "../components/ErrorNotice";
import { TextAreaField, TextField } from "../components/fields";
import { useAction } from "../components/load";
import { InlineNotice } from "../components/notices";
import { Fact, Facts } from "../components/Page";
import { Progress } from "../components/Progress";
import { Time } from "../components/Time";
import { useT } from "../i18n";
import { useIsLocal } from "../shell/session";
import { encryptForToken, fromBase64 } from "./encrypt";
import { isMaterial, MaterialInput } from "./MaterialInput";
import { materialFault } from "./rules";

const TOKEN_SECONDS = 20 * 60;
const AES_192_BYTES = 24;

interface SecureImportProps {
  instance: string;
  value: Material;
  onChange: (material: Material) => void;
}

export const isSealed = (material: Material) => Boolean(material.payload && material.encryptedNonce && material.iv);

// The script reads the key from a file and never prints it; the token's values stand in it.
const script = (token: ImportToken) => `python3 - <<'END'
import base64, os
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
key = open("key.bin", "rb").read()
public = serialization.load_pem_public_key(base64.b64decode("${token.payload}"))
nonce = base64.b64decode("${token.nonce}")
iv = os.urandom(12)
oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
print("material:", base64.b64encode(public.encrypt(key, oaep)).decode())
print("nonce:   ", base64.b64encode(AESGCM(key).encrypt(iv, nonce, None)).decode())
print("vector:  ", base64.b64encode(iv).decode())
END`;

async function newToken(instance: string): Promise<ImportToken> {
  await createImportToken(instance, TOKEN_SECONDS, 1);
  return readImportToken(instance);
}

export function SecureImport({ instance, value, onChange }: SecureImportProps) {
  const t = useT();
  const isLocal = useIsLocal();
  const [token, setToken] = useState<ImportToken | null>(null);
  const action = useAction(() => newToken(instance), setToken);
  const set = (change: Material) => onChange({ ...value, ...change, encryptionAlgorithm: "RSAES_OAEP_SHA_256" });
  return (
    <div className="kh-steps">
      <p>{t("secure.intro")}</p>
      {!isLocal && <InlineNotice kind="info" role="status" title={t("mode.server")} subtitle={t("secure.serverMode")} />}
      <section>
        <h3>1. {t("secure.step1")}</h3>
        <p>{t("secure.step1More")}</p>
        {!token && (
          <Button kind="tertiary" size="sm" disabled={action.busy} onClick={action.run}>
            {t("secure.getToken")}
          </Button>
        )}
        {action.busy && <Progress label={t("common.working")} />}
        <ErrorNotice error={action.error} />
        {token && <TokenFacts token={token} />}
      </section>
      {token && (
        <section>
          <h3>2. {t("secure.step2")}</h3>
          <p>{t("secure.step2More")}</p>
          <div className="kh-script">
            <CopyButton value={script(token)} what={t("secure.step2")} />
            <pre tabIndex={0} role="group" aria-label={t("secure.step2")}>
              {script(token)}
            </pre>
          </div>
          {isLocal && <EncryptHere token={token} onDone={onChange} />}
        </section>
      )}
      {token && (
        <section className="kh-form">
          <h3>3. {t("secure.step3")}</h3>
          <TextAreaField id="secure-payload" rows={3} spellCheck={false} labelText={t("secure.payload")} value={value.payload ?? ""} onChange={(event) => set({ payload: event.target.value.trim() })} />
          <TextField id="secure-nonce" autoComplete="off" spellCheck={false} labelText={t("secure.encryptedNonce")} value={value.encryptedNonce ?? ""} onChange={(event) => set({ encryptedNonce: event.target.value.trim() })} />
          <TextField id="secure-iv" autoComplete="off" spellCheck={false} labelText={t("secure.iv")} helperText={isSealed(value) ? "" : t("secure.missing")} value={value.iv ?? ""} onChange={(event) => set({ iv: event.target.value.trim() })} />
        </section>
      )}
    </div>
  );
}

function TokenFacts({ token }: { token: ImportToken }) {
  const t = useT();
  return (
    <Facts>
      <Fact name={t("secure.expires")}>
        <Time value={token.expirationDate} /> <span className="kh-muted">({t("secure.validity")})</span>
      </Fact>
      <Fact name={t("secure.nonce")}>
        <CopyableText value={token.nonce} what={t("secure.nonce")} />
      </Fact>
      <Fact name={t("secure.publicKey")}>
        <span className="kh-copyable">
          <code>{token.payload.slice(0, 32)}…</code>
          <CopyButton value={token.payload} what={t("secure.publicKey")} />
        </span>
      </Fact>
    </Facts>
  );
}

function EncryptHere({ token, onDone }: { token: ImportToken; onDone: (material: Material) => void }) {
  const t = useT();
  const [text, setText] = useState("");
  const [isDone, setDone] = useState(false);
  const action = useAction(
    () => encryptForToken(token, fromBase64(text)),
    (sealed) => {
      setText("");
      setDone(true);
      onDone(sealed);
    },
  );
  const is24 = materialFault(text, true).bytes === AES_192_BYTES;
  return (
    <div className="kh-form">
      <p>{t("secure.encryptHereMore")}</p>
      <MaterialInput root value={text} onChange={setText} />
      {is24 && <p>{t("secure.no24")}</p>}
      <Button kind="tertiary" size="sm" disabled={!isMaterial(text, true) || is24 || action.busy} onClick={action.run}>
        {t("secure.encryptHere")}
      </Button>
      <ErrorNotice error={action.error} />
      {isDone && <p role="status">{t("secure.encrypted")}</p>}
    </div>
  );
}
