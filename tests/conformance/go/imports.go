package main

import (
	"encoding/base64"
	"encoding/pem"
	"time"

	kp "github.com/IBM/keyprotect-go-client"
)

// sealed is key material under the import token, made by the client's own functions.
type sealed struct {
	material, payload, nonce, iv string
	sha1                         bool
}

// imports shows import tokens and secure import in every combination of hash and cipher that the
// client can make. The vendor's HPCS takes SHA-1 with CBC, its Key Protect SHA-256 with GCM.
func (s *suite) imports() {
	s.importTokens()
	for _, row := range []struct {
		name      string
		sha1, cbc bool
	}{
		{"SHA-1 and CBC", true, true},
		{"SHA-1 and GCM", true, false},
		{"SHA-256 and CBC", false, true},
		{"SHA-256 and GCM", false, false},
	} {
		s.success("CreateKeyWithOptions", "secure import with "+row.name, func() {
			in := s.seal(material(32), row.sha1, row.cbc)
			key := must(s.manager.CreateKeyWithOptions(s.ctx, s.name("secure"), false,
				kp.WithPayload(in.payload, &in.nonce, &in.iv, in.sha1)))
			s.sameMaterial(key, in.material)
		})
	}
	s.secureMethods()
	s.secureRefusals()
}

// importTokens leaves the token that all later imports use: each new one costs the unit seconds.
func (s *suite) importTokens() {
	s.success("CreateImportToken", "nothing asked: ten minutes, one retrieval", func() {
		token := must(s.manager.CreateImportToken(s.ctx, 0, 0))
		equal("allowed", token.MaxAllowedRetrievals, 1)
		equal("life", token.ExpirationDate.Sub(*token.CreationDate), 10*time.Minute)
	})
	s.success("GetImportTokenTransportKey", "an RSA key as PEM, and a nonce", func() {
		key := must(s.manager.GetImportTokenTransportKey(s.ctx))
		text := must(base64.StdEncoding.DecodeString(key.Payload))
		block, _ := pem.Decode(text)
		that(block != nil && block.Type == "PUBLIC KEY", "payload is not the PEM of a public key")
		equal("nonce bytes", len(must(base64.StdEncoding.DecodeString(key.Nonce))), 12)
		set("expirationDate", key.ExpirationDate)
	})
	s.refusal("GetImportTokenTransportKey", "after its last retrieval", 409, "IMPORT_TOKEN_EXPIRED_ERR", func() error {
		return errOf(s.manager.GetImportTokenTransportKey(s.ctx))
	})
	s.success("CreateImportToken", "twenty minutes, a hundred retrievals", func() {
		token := must(s.manager.CreateImportToken(s.ctx, 1200, 100))
		equal("allowed", token.MaxAllowedRetrievals, 100)
		equal("remaining", token.RemainingRetrievals, 100)
		life := set("expirationDate", token.ExpirationDate).Sub(set("creationDate", token.CreationDate))
		equal("life", life, 20*time.Minute)
	})
	s.refusal("GetImportTokenTransportKey", "Reader may not", 401, "", func() error {
		return errOf(s.reader.GetImportTokenTransportKey(s.ctx))
	})
	for name, row := range map[string][2]int{"299 seconds": {299, 1}, "a day and a second": {86401, 1}, "-1 retrievals": {300, -1}} {
		s.refusal("CreateImportToken", name, 400, "INVALID_FIELD_ERR", func() error {
			return errOf(s.manager.CreateImportToken(s.ctx, row[0], row[1]))
		})
	}
	s.refusal("CreateImportToken", "Reader may not", 401, "", func() error {
		return errOf(s.reader.CreateImportToken(s.ctx, 600, 1))
	})
}

// seal encrypts `key` (base64) for the token of the instance.
func (s *suite) seal(key string, sha1, cbc bool) sealed {
	token := must(s.manager.GetImportTokenTransportKey(s.ctx))
	encryptKey, encryptNonce := kp.EncryptKey, kp.EncryptNonce
	if sha1 {
		encryptKey = kp.EncryptKeyWithSHA1
	}
	if cbc {
		encryptNonce = kp.EncryptNonceWithCBCPAD
	}
	nonce, iv, err := encryptNonce(key, token.Nonce, "")
	ok(err)
	return sealed{key, must(encryptKey(key, token.Payload)), nonce, iv, sha1}
}

// sameMaterial proves what was imported: a plainly imported twin opens the key's ciphertexts.
func (s *suite) sameMaterial(key *kp.Key, payload string) {
	equal("imported", key.Imported, true)
	equal("extractable", key.Extractable, false)
	twin := must(s.manager.CreateImportedRootKey(s.ctx, s.name("twin"), nil, payload, "", ""))
	plain, cipher, err := s.manager.WrapCreateDEK(s.ctx, key.ID, nil)
	ok(err)
	equal("plaintext", must(s.manager.Unwrap(s.ctx, twin.ID, cipher, nil)), plain)
}

// secureMethods are the client's named forms of secure import; KeyPayload is in rotation.go.
func (s *suite) secureMethods() {
	s.success("CreateImportedKeyWithSHA1", "SHA-1 and CBC, as HPCS asks", func() {
		in := s.seal(material(24), true, true)
		alias := s.name("secure")
		key := must(s.manager.CreateImportedKeyWithSHA1(s.ctx, s.name("secure"), nil, in.payload, in.nonce, in.iv, false,
			[]string{alias}))
		equal("aliases", key.Aliases, []string{alias})
		s.sameMaterial(key, in.material)
	})
	s.success("CreateImportedRootKey", "SHA-256 and GCM", func() {
		in := s.seal(material(16), false, false)
		s.sameMaterial(must(s.manager.CreateImportedRootKey(s.ctx, s.name("secure"), nil, in.payload, in.nonce, in.iv)), in.material)
	})
	s.success("CreateImportedKeyWithAliases", "SHA-256 and GCM", func() {
		in := s.seal(material(32), false, false)
		s.sameMaterial(must(s.manager.CreateImportedKeyWithAliases(s.ctx, s.name("secure"), nil, in.payload, in.nonce, in.iv,
			false, []string{s.name("secure")})), in.material)
	})
	s.success("CreateImportedKeyWithPolicyOverridesWithSHA1", "SHA-1 and CBC with a policy", func() {
		in := s.seal(material(32), true, true)
		key := must(s.manager.CreateImportedKeyWithPolicyOverridesWithSHA1(s.ctx, s.name("secure"), nil, in.payload, in.nonce,
			in.iv, false, nil, kp.Policy{DualAuth: &kp.DualAuth{Enabled: yes()}}))
		s.sameMaterial(key, in.material)
		equal("dual authorization", *set("policy", must(s.manager.GetDualAuthDeletePolicy(s.ctx, key.ID))).DualAuth.Enabled, true)
	})
	s.refusal("CreateImportedKeyWithPolicyOverridesWithSHA1", "a nonce of another key", 400, "INCORRECT_NONCE_IV_ERR", func() error {
		in, other := s.seal(material(32), true, true), s.seal(material(32), true, true)
		return errOf(s.manager.CreateImportedKeyWithPolicyOverridesWithSHA1(s.ctx, s.name("secure"), nil, in.payload,
			other.nonce, other.iv, false, nil, kp.Policy{}))
	})
}

func (s *suite) secureRefusals() {
	create := func(in sealed) error {
		return errOf(s.manager.CreateImportedKeyWithSHA1(s.ctx, s.name("refused"), nil, in.payload, in.nonce, in.iv, false, nil))
	}
	s.refusal("CreateImportedKeyWithSHA1", "another nonce than the token's", 400, "INCORRECT_NONCE_ERR", func() error {
		in := s.seal(material(32), true, true)
		nonce, iv, err := kp.EncryptNonceWithCBCPAD(in.material, material(12), "")
		ok(err)
		in.nonce, in.iv = nonce, iv
		return create(in)
	})
	s.refusal("CreateImportedKeyWithSHA1", "a nonce under another key", 400, "INCORRECT_NONCE_IV_ERR", func() error {
		in := s.seal(material(32), true, false)
		in.nonce = s.seal(material(32), true, false).nonce
		return create(in)
	})
	s.refusal("CreateImportedKeyWithSHA1", "a nonce without its iv", 400, "INVALID_FIELD_ERR", func() error {
		in := s.seal(material(32), true, true)
		in.iv = ""
		return create(in)
	})
	s.report.run("refusal", "CreateImportedRootKey", "the hash is not the one that was used", func() {
		in := s.seal(material(32), true, false) // SHA-1 material sent as SHA-256
		_, err := s.manager.CreateImportedRootKey(s.ctx, s.name("refused"), nil, in.payload, in.nonce, in.iv)
		refusedAs(err, []int{400}, "INCORRECT_NONCE_IV_ERR")
	})
	s.refusalHere("CreateImportedRootKey", "the client's EncryptKey refuses what is not PEM", "pem format", func() error {
		return errOf(kp.EncryptKey(material(32), material(64)))
	})
}
