package main

import (
	kp "github.com/IBM/keyprotect-go-client"
)

// rotation shows new versions with and without material, and what happens to older ciphertexts.
func (s *suite) rotation() {
	s.rotated()
	s.rotatedWithMaterial()

	s.refusal("Rotate", "an imported key needs material", 400, "KEY_PAYLOAD_REQ_ERR", func() error {
		return s.manager.Rotate(s.ctx, s.imported().ID, "")
	})
	s.refusal("Rotate", "a generated key takes no material", 400, "INVALID_QUERY_PARAM_ERR", func() error {
		return s.manager.Rotate(s.ctx, s.root().ID, material(32))
	})
	s.refusal("Rotate", "twice within the hour", 409, "KEY_ROTATION_NOT_PERMITTED", func() error {
		key := must(s.rules.CreateRootKey(s.ctx, s.name("root"), nil))
		ok(s.rules.Rotate(s.ctx, key.ID, ""))
		return s.rules.Rotate(s.ctx, key.ID, "")
	})
	s.refusal("Rotate", "Reader may not", 401, "", func() error { return s.reader.Rotate(s.ctx, s.root().ID, "") })
	s.refusal("RotateV2", "a standard key", 400, "KEY_ROOT_REQ_ERR", func() error {
		return s.manager.RotateV2(s.ctx, s.standard().ID, nil)
	})
	s.refusal("RotateV2", "15 bytes", 400, "INVALID_FIELD_ERR", func() error {
		payload := kp.NewKeyPayload(material(15), "", "")
		return s.manager.RotateV2(s.ctx, s.imported().ID, &payload)
	})
	s.refusal("RotateV2", "a disabled key", 409, "KEY_ACTION_INVALID_STATE_ERR", func() error {
		key := s.root()
		ok(s.manager.DisableKey(s.ctx, key.ID))
		return s.manager.RotateV2(s.ctx, key.ID, nil)
	})
}

func (s *suite) rotated() {
	s.success("Rotate", "sets the dates and keeps the id", func() {
		key := s.root()
		ok(s.manager.Rotate(s.ctx, key.ID, ""))
		got := must(s.manager.GetKey(s.ctx, key.ID))
		set("lastUpdateDate", got.LastUpdateDate)
		set("lastRotateDate", got.LastRotateDate)
		equal("id", got.ID, key.ID)
		that(got.KeyVersion.ID != key.ID, "the current version is still the first")
	})
	s.success("RotateV2", "without material: the body null", func() {
		key := s.root()
		ok(s.manager.RotateV2(s.ctx, key.ID, nil))
		equal("versions", len(must(s.manager.ListKeyVersions(s.ctx, key.ID, nil)).KeyVersion), 2)
	})
	s.success("UnwrapV2", "an older ciphertext comes back rewrapped", func() {
		key, aad := s.root(), &[]string{"context"}
		old := must(s.manager.Wrap(s.ctx, key.ID, text("mine"), aad))
		ok(s.manager.Rotate(s.ctx, key.ID, ""))
		plain, rewrapped, err := s.manager.UnwrapV2(s.ctx, key.ID, old, aad)
		ok(err)
		equal("plaintext", plain, text("mine"))
		that(len(rewrapped) > 0, "nothing rewrapped")
		plain, again, err := s.manager.UnwrapV2(s.ctx, key.ID, rewrapped, aad)
		ok(err)
		equal("plaintext of the rewrapped", plain, text("mine"))
		equal("rewrapped again", string(again), "")
	})
}

func (s *suite) rotatedWithMaterial() {
	s.success("Rotate", "an imported key, with material", func() {
		key := s.imported()
		cipher := must(s.manager.Wrap(s.ctx, key.ID, text("mine"), nil))
		ok(s.manager.Rotate(s.ctx, key.ID, material(32)))
		equal("plaintext", must(s.manager.Unwrap(s.ctx, key.ID, cipher, nil)), text("mine"))
	})
	s.success("RotateV2", "plain material", func() {
		key, payload := s.imported(), kp.NewKeyPayload(material(16), "", "")
		ok(s.manager.RotateV2(s.ctx, key.ID, &payload))
		s.roundTrip(key.ID)
	})
	for name, sha1 := range map[string]bool{"RSAES_OAEP_SHA_1": true, "RSAES_OAEP_SHA_256": false} {
		s.success("RotateV2", "material under the import token, "+name, func() {
			key, in := s.imported(), s.seal(material(32), sha1, sha1)
			payload := kp.NewKeyPayload(in.payload, in.nonce, in.iv).WithRSA256()
			if sha1 {
				payload = payload.WithRSA1()
			}
			ok(s.manager.RotateV2(s.ctx, key.ID, &payload))
			s.sameMaterial(must(s.manager.GetKeyMetadata(s.ctx, key.ID)), in.material)
		})
	}
	s.refusal("RotateV2", "another nonce than the token's", 400, "INCORRECT_NONCE_ERR", func() error {
		in := s.seal(material(32), true, true)
		nonce, iv, err := kp.EncryptNonceWithCBCPAD(in.material, material(12), "")
		ok(err)
		payload := kp.NewKeyPayload(in.payload, nonce, iv).WithRSA1()
		return s.manager.RotateV2(s.ctx, s.imported().ID, &payload)
	})
}
