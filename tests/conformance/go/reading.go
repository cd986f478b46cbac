package main

import (
	"os"

	kp "github.com/IBM/keyprotect-go-client"
)

// inRing is a client that names a ring with every call.
func (s *suite) inRing(ring string) *kp.Client {
	config := s.config(os.Getenv("KH_APIKEY"), os.Getenv("KH_INSTANCE"))
	config.KeyRing = ring
	return s.open(config)
}

// reading shows single keys: with payload, without, and their versions.
func (s *suite) reading() {
	s.success("GetKey", "every member that the vendor's own tests read", func() {
		key := must(s.manager.GetKey(s.ctx, s.root().ID))
		equal("deleted", set("deleted", key.Deleted), false)
		equal("lastUpdateDate", set("lastUpdateDate", key.LastUpdateDate), set("creationDate", key.CreationDate))
		equal("payload", key.Payload, "")
	})
	s.success("GetKeyMetadata", "no payload, also not to a Reader", func() {
		key := must(s.reader.GetKeyMetadata(s.ctx, s.standard().ID))
		equal("payload", key.Payload, "")
		equal("deleted", set("deleted", key.Deleted), false)
	})
	s.success("GetKeyMetadata", "in the named ring", func() {
		equal("ring", must(s.inRing("default").GetKeyMetadata(s.ctx, s.root().ID)).KeyRingID, "default")
	})
	s.refusal("GetKeyMetadata", "in another ring", 404, "KEY_NOT_FOUND_ERR", func() error {
		return errOf(s.inRing(s.name("ring")).GetKeyMetadata(s.ctx, s.root().ID))
	})
	s.refusal("GetKeyMetadata", "an unknown id", 404, "KEY_NOT_FOUND_ERR", func() error {
		return errOf(s.manager.GetKeyMetadata(s.ctx, unknownID()))
	})
	s.refusal("GetKey", "an unknown alias", 404, "KEY_NOT_FOUND_ERR", func() error {
		return errOf(s.manager.GetKey(s.ctx, s.name("alias")))
	})
	s.refusal("GetKey", "Reader may not see a payload", 401, "", func() error {
		return errOf(s.reader.GetKey(s.ctx, s.standard().ID))
	})
	s.versions()
}

func (s *suite) versions() {
	number := func(value uint32) *uint32 { return &value }
	rotated := func() *kp.Key {
		key := s.root()
		for i := 0; i < 2; i++ {
			ok(s.manager.Rotate(s.ctx, key.ID, ""))
		}
		return key
	}
	s.success("ListKeyVersions", "newest first, the oldest has the key's id", func() {
		key := rotated()
		versions := must(s.manager.ListKeyVersions(s.ctx, key.ID, nil))
		equal("versions", len(versions.KeyVersion), 3)
		equal("total of the page", set("collectionTotal", versions.Metadata.CollectionTotal), 3)
		unset("totalCount nobody asked for", versions.Metadata.TotalCount)
		equal("oldest", versions.KeyVersion[2].ID, key.ID)
		wrapped := must(s.manager.WrapCreateDEKV2(s.ctx, key.ID, nil))
		equal("newest", versions.KeyVersion[0].ID, wrapped.KeyVersion.ID)
		set("creationDate", versions.KeyVersion[0].CreationDate)
	})
	s.success("ListKeyVersions", "a page and the total", func() {
		options := &kp.ListKeyVersionsOptions{Limit: number(1), Offset: number(1), TotalCount: yes()}
		versions := must(s.manager.ListKeyVersions(s.ctx, rotated().ID, options))
		equal("versions", len(versions.KeyVersion), 1)
		equal("total", set("totalCount", versions.Metadata.TotalCount), 3)
	})
	s.success("ListKeyVersions", "of a disabled key, when all states are asked for", func() {
		key := s.root()
		ok(s.manager.DisableKey(s.ctx, key.ID))
		versions := must(s.manager.ListKeyVersions(s.ctx, key.ID, &kp.ListKeyVersionsOptions{AllKeyStates: yes()}))
		equal("versions", len(versions.KeyVersion), 1)
	})
	s.refusal("ListKeyVersions", "of a disabled key", 409, "KEY_ACTION_INVALID_STATE_ERR", func() error {
		key := s.root()
		ok(s.manager.DisableKey(s.ctx, key.ID))
		return errOf(s.manager.ListKeyVersions(s.ctx, key.ID, nil))
	})
	s.refusal("ListKeyVersions", "a page of 5001", 400, "INVALID_QUERY_PARAM_ERR", func() error {
		return errOf(s.manager.ListKeyVersions(s.ctx, s.root().ID, &kp.ListKeyVersionsOptions{Limit: number(5001)}))
	})
	s.report.run("refusal", "ListKeyVersions", "a standard key has none", func() {
		_, err := s.manager.ListKeyVersions(s.ctx, s.standard().ID, nil)
		refusedAs(err, []int{400}, "KEY_ROOT_REQ_ERR")
	})
}
