package main

import (
	kp "github.com/IBM/keyprotect-go-client"
)

func (s *suite) aliases() {
	s.success("CreateKeyAlias", "and the key is found by it", func() {
		key, name := s.root(), s.name("alias")
		alias := must(s.manager.CreateKeyAlias(s.ctx, name, key.ID))
		that(alias != nil, "no resource in the answer")
		equal("alias", alias.Alias, name)
		equal("key", alias.KeyID, key.ID)
		that(alias.CreatedBy != "", "createdBy is empty")
		set("creationDate", alias.CreationDate)
		equal("id", must(s.manager.GetKeyMetadata(s.ctx, name)).ID, key.ID)
	})
	s.success("CreateKeyAlias", "a second one, by the first", func() {
		key, first, second := s.root(), s.name("first"), s.name("second")
		must(s.manager.CreateKeyAlias(s.ctx, first, key.ID))
		must(s.manager.CreateKeyAlias(s.ctx, second, first))
		equal("aliases", must(s.manager.GetKeyMetadata(s.ctx, key.ID)).Aliases, []string{first, second})
	})
	s.refusal("CreateKeyAlias", "taken by another key", 409, "KEY_ALIAS_NOT_UNIQUE_ERR", func() error {
		name := s.name("taken")
		must(s.manager.CreateKeyAlias(s.ctx, name, s.root().ID))
		return errOf(s.manager.CreateKeyAlias(s.ctx, name, s.root().ID))
	})
	s.refusal("CreateKeyAlias", "one character", 400, "INVALID_FIELD_ERR", func() error {
		return errOf(s.manager.CreateKeyAlias(s.ctx, "x", s.root().ID))
	})
	s.refusal("CreateKeyAlias", "an unknown key", 404, "KEY_NOT_FOUND_ERR", func() error {
		return errOf(s.manager.CreateKeyAlias(s.ctx, s.name("alias"), unknownID()))
	})
	s.success("DeleteKeyAlias", "and the key stays", func() {
		key, name := s.root(), s.name("alias")
		must(s.manager.CreateKeyAlias(s.ctx, name, key.ID))
		ok(s.manager.DeleteKeyAlias(s.ctx, name, key.ID))
		refused(errOf(s.manager.GetKeyMetadata(s.ctx, name)), 404, "KEY_NOT_FOUND_ERR")
		equal("aliases", len(must(s.manager.GetKeyMetadata(s.ctx, key.ID)).Aliases), 0)
	})
	s.report.run("refusal", "DeleteKeyAlias", "an unknown alias", func() {
		refusedAs(s.manager.DeleteKeyAlias(s.ctx, s.name("alias"), s.root().ID), []int{404}, "")
	})
	s.report.run("refusal", "DeleteKeyAlias", "the alias of another key", func() {
		name := s.name("alias")
		must(s.manager.CreateKeyAlias(s.ctx, name, s.root().ID))
		refusedAs(s.manager.DeleteKeyAlias(s.ctx, name, s.root().ID), []int{404}, "")
		must(s.manager.GetKeyMetadata(s.ctx, name))
	})
	s.refusal("DeleteKeyAlias", "Writer may not", 401, "", func() error {
		key, name := s.root(), s.name("alias")
		must(s.manager.CreateKeyAlias(s.ctx, name, key.ID))
		return s.writer.DeleteKeyAlias(s.ctx, name, key.ID)
	})
}

func (s *suite) newRing() string {
	name := s.name("ring")
	ok(s.manager.CreateKeyRing(s.ctx, name))
	return name
}

// rings shows key rings and keys in them.
func (s *suite) rings() {
	s.ringCalls()
	s.ringRefusals()
	s.ringMoves()
}

func (s *suite) ringCalls() {
	s.success("CreateKeyRing", "the client has no use for a body", func() { s.newRing() })
	s.success("GetKeyRings", "default comes first", func() {
		name := s.newRing()
		rings := must(s.reader.GetKeyRings(s.ctx))
		equal("first", rings.KeyRings[0].ID, "default")
		for _, ring := range rings.KeyRings {
			if ring.ID == name {
				set("creationDate", ring.CreationDate)
				that(ring.CreatedBy != "", "createdBy is empty")
				return
			}
		}
		fail("the new ring is not in the list")
	})
	s.success("DeleteKeyRing", "an empty one", func() { ok(s.manager.DeleteKeyRing(s.ctx, s.newRing())) })
	s.success("DeleteKeyRing", "forced: destroyed keys move to default", func() {
		name := s.newRing()
		key := must(s.inRing(name).CreateRootKey(s.ctx, s.name("root"), nil))
		equal("ring", key.KeyRingID, name)
		s.remove(key.ID)
		refused(s.manager.DeleteKeyRing(s.ctx, name, kp.WithForce(false)), 409, "KEY_RING_NOT_EMPTY_ERR")
		ok(s.manager.DeleteKeyRing(s.ctx, name, kp.WithForce(true)))
		equal("ring", must(s.manager.GetKeyMetadata(s.ctx, key.ID)).KeyRingID, "default")
	})
}

func (s *suite) ringRefusals() {
	s.refusal("CreateKeyRing", "twice", 409, "KEY_RING_RESOURCE_EXISTS_ERR", func() error {
		return s.manager.CreateKeyRing(s.ctx, s.newRing())
	})
	s.report.run("refusal", "CreateKeyRing", "default is reserved", func() {
		refusedAs(s.manager.CreateKeyRing(s.ctx, "default"), []int{400, 409}, "")
	})
	s.refusal("CreateKeyRing", "one character", 400, "INVALID_FIELD_ERR", func() error {
		return s.manager.CreateKeyRing(s.ctx, "x")
	})
	s.refusal("CreateKeyRing", "Reader may not", 401, "", func() error {
		return s.reader.CreateKeyRing(s.ctx, s.name("ring"))
	})
	s.refusal("GetKeyRings", "an identity without a role", 401, "", func() error {
		return errOf(s.nobody.GetKeyRings(s.ctx))
	})
	s.refusal("DeleteKeyRing", "a live key blocks, also when forced", 409, "KEY_RING_NOT_EMPTY_ERR", func() error {
		name := s.newRing()
		must(s.inRing(name).CreateRootKey(s.ctx, s.name("root"), nil))
		return s.manager.DeleteKeyRing(s.ctx, name, kp.WithForce(true))
	})
	s.refusal("DeleteKeyRing", "an unknown one", 404, "KEY_RING_NOT_FOUND_ERR", func() error {
		return s.manager.DeleteKeyRing(s.ctx, s.name("ring"))
	})
}

func (s *suite) ringMoves() {
	s.success("SetKeyRing", "and the old ring no longer has the key", func() {
		key, name := s.root(), s.newRing()
		moved := must(s.manager.SetKeyRing(s.ctx, key.ID, name))
		equal("id", moved.ID, key.ID)
		equal("ring", moved.KeyRingID, name)
		must(s.inRing(name).GetKeyMetadata(s.ctx, key.ID))
		refused(errOf(s.inRing("default").GetKeyMetadata(s.ctx, key.ID)), 404, "KEY_NOT_FOUND_ERR")
		equal("keys of the ring", ids(must(s.inRing(name).GetKeys(s.ctx, 0, 0)).Keys), []string{key.ID})
	})
	s.refusal("SetKeyRing", "an unknown ring", 404, "KEY_RING_NOT_FOUND_ERR", func() error {
		return errOf(s.manager.SetKeyRing(s.ctx, s.root().ID, s.name("ring")))
	})
	s.refusal("SetKeyRing", "an unknown key", 404, "KEY_NOT_FOUND_ERR", func() error {
		return errOf(s.manager.SetKeyRing(s.ctx, unknownID(), "default"))
	})
	s.refusal("SetKeyRing", "Writer may not", 401, "", func() error {
		return errOf(s.writer.SetKeyRing(s.ctx, s.root().ID, "default"))
	})
	s.refusalHere("SetKeyRing", "no ring", "valid key ring", func() error {
		return errOf(s.manager.SetKeyRing(s.ctx, unknownID(), ""))
	})
}
