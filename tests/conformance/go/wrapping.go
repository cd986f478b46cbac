package main

import (
	"encoding/base64"
	"strings"

	kp "github.com/IBM/keyprotect-go-client"
)

// roundTrip wraps and unwraps a new DEK under the key.
func (s *suite) roundTrip(id string) {
	plain, cipher, err := s.manager.WrapCreateDEK(s.ctx, id, nil)
	ok(err)
	equal("plaintext", must(s.manager.Unwrap(s.ctx, id, cipher, nil)), plain)
}

func text(words string) []byte {
	return []byte(base64.StdEncoding.EncodeToString([]byte(words)))
}

// wrapping shows DEKs under one version of a key; rotation.go shows what a rotation changes.
func (s *suite) wrapping() {
	s.wrapSuccesses()
	s.wrapRefusals()
	s.unwrapRefusals()
}

func (s *suite) wrapSuccesses() {
	aad := &[]string{"tenant 7", "table payroll"}
	s.success("Wrap", "a sentence of 35 bytes, with additional data", func() {
		key, plain := s.root(), text("The quick brown fox jumps over dogs")
		first, second := must(s.manager.Wrap(s.ctx, key.ID, plain, aad)), must(s.manager.Wrap(s.ctx, key.ID, plain, aad))
		that(string(first) != string(second), "two wraps of one plaintext are equal")
		equal("plaintext", must(s.manager.Unwrap(s.ctx, key.ID, first, aad)), plain)
	})
	s.success("WrapCreateDEK", "32 random bytes", func() {
		key := s.root()
		plain, cipher, err := s.manager.WrapCreateDEK(s.ctx, key.ID, aad)
		ok(err)
		equal("bytes", len(must(base64.StdEncoding.DecodeString(string(plain)))), 32)
		equal("plaintext", must(s.manager.Unwrap(s.ctx, key.ID, cipher, aad)), plain)
	})
	s.success("WrapCreateDEKV2", "names the version", func() {
		key := s.root()
		answer := must(s.manager.WrapCreateDEKV2(s.ctx, key.ID, nil))
		equal("version", set("keyVersion", answer.KeyVersion).ID, key.ID)
		that(answer.PlainText != "", "no plaintext")
	})
	s.success("WrapV2", "a plaintext that was sent does not come back", func() {
		key := s.root()
		answer := must(s.manager.WrapV2(s.ctx, key.ID, text("mine"), nil))
		equal("plaintext", answer.PlainText, "")
		equal("version", set("keyVersion", answer.KeyVersion).ID, key.ID)
		equal("unwrapped", must(s.reader.Unwrap(s.ctx, key.ID, []byte(answer.CipherText), nil)), text("mine"))
	})
	s.success("Unwrap", "under an alias, by a Reader", func() {
		alias := s.name("wrap")
		must(s.manager.CreateKeyWithAliases(s.ctx, s.name("wrap"), nil, false, []string{alias}))
		plain, cipher, err := s.manager.WrapCreateDEK(s.ctx, alias, nil)
		ok(err)
		equal("plaintext", must(s.reader.Unwrap(s.ctx, alias, cipher, nil)), plain)
	})
	s.success("UnwrapV2", "nothing to store while the version is the newest", func() {
		key := s.root()
		plain, cipher, err := s.manager.WrapCreateDEK(s.ctx, key.ID, nil)
		ok(err)
		got, rewrapped, err := s.manager.UnwrapV2(s.ctx, key.ID, cipher, nil)
		ok(err)
		equal("plaintext", got, plain)
		equal("rewrapped", string(rewrapped), "")
	})
}

func (s *suite) wrapRefusals() {
	s.refusal("Wrap", "a standard key wraps nothing", 400, "KEY_ROOT_REQ_ERR", func() error {
		return errOf(s.manager.Wrap(s.ctx, s.standard().ID, text("mine"), nil))
	})
	s.refusal("Wrap", "256 pieces of additional data", 400, "INVALID_FIELD_ERR", func() error {
		aad := strings.Split(strings.Repeat("a ", 255)+"a", " ")
		return errOf(s.manager.Wrap(s.ctx, s.root().ID, text("mine"), &aad))
	})
	s.refusal("WrapCreateDEK", "a disabled key", 409, "KEY_ACTION_INVALID_STATE_ERR", func() error {
		key := s.root()
		ok(s.manager.DisableKey(s.ctx, key.ID))
		return errOf3(s.manager.WrapCreateDEK(s.ctx, key.ID, nil))
	})
	s.refusal("WrapCreateDEKV2", "an unknown key", 404, "KEY_NOT_FOUND_ERR", func() error {
		return errOf(s.manager.WrapCreateDEKV2(s.ctx, unknownID(), nil))
	})
	s.refusal("WrapV2", "a destroyed key", 410, "KEY_DELETED_ERR", func() error {
		key := s.root()
		s.remove(key.ID)
		return errOf(s.manager.WrapV2(s.ctx, key.ID, text("mine"), nil))
	})
}

func (s *suite) unwrapRefusals() {
	wrapped := func(key *kp.Key) []byte {
		return must(s.manager.Wrap(s.ctx, key.ID, text("mine"), &[]string{"a", "b"}))
	}
	s.refusal("Unwrap", "additional data in another order", 422, "UNPROCESSABLE_CIPHERTEXT_ERR", func() error {
		key := s.root()
		return errOf(s.manager.Unwrap(s.ctx, key.ID, wrapped(key), &[]string{"b", "a"}))
	})
	s.refusal("Unwrap", "what is no ciphertext", 400, "INVALID_FIELD_ERR", func() error {
		return errOf(s.manager.Unwrap(s.ctx, s.root().ID, []byte("***"), nil))
	})
	s.refusal("Unwrap", "a standard key", 400, "KEY_ROOT_REQ_ERR", func() error {
		return errOf(s.manager.Unwrap(s.ctx, s.standard().ID, wrapped(s.root()), nil))
	})
	s.refusal("UnwrapV2", "a ciphertext of another key", 422, "UNPROCESSABLE_CIPHERTEXT_ERR", func() error {
		return errOf3(s.manager.UnwrapV2(s.ctx, s.root().ID, wrapped(s.root()), &[]string{"a", "b"}))
	})
	s.refusal("UnwrapV2", "a ciphertext with a changed bit", 422, "UNPROCESSABLE_CIPHERTEXT_ERR", func() error {
		key := s.root()
		raw := must(base64.StdEncoding.DecodeString(string(wrapped(key))))
		raw[len(raw)-1] ^= 1
		changed := []byte(base64.StdEncoding.EncodeToString(raw))
		return errOf3(s.manager.UnwrapV2(s.ctx, key.ID, changed, &[]string{"a", "b"}))
	})
	s.refusal("UnwrapV2", "a destroyed key", 410, "KEY_DELETED_ERR", func() error {
		key := s.root()
		cipher := wrapped(key)
		s.remove(key.ID)
		return errOf3(s.manager.UnwrapV2(s.ctx, key.ID, cipher, &[]string{"a", "b"}))
	})
}
