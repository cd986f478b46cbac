package main

import (
	"strings"
)

// registrations reads what services registered, and syncs them. The client cannot write any: the
// frame made them (KH_REGISTERED_KEY, KH_PROTECTED_KEY).
func (s *suite) registrations() {
	s.success("ListRegistrations", "none of a fresh key", func() {
		got := must(s.manager.ListRegistrations(s.ctx, s.root().ID, ""))
		equal("registrations", len(got.Registrations), 0)
		equal("total", got.Metadata.NumberOfKeys, 0)
	})
	s.success("ListRegistrations", "of a key", func() {
		key, crn := given("KH_REGISTERED_KEY"), given("KH_REGISTERED_CRN")
		got := must(s.reader.ListRegistrations(s.ctx, key, ""))
		equal("registrations", len(got.Registrations), 1)
		registration := got.Registrations[0]
		equal("key", registration.KeyID, key)
		equal("resource", registration.ResourceCrn, crn)
		equal("prevents deletion", registration.PreventKeyDeletion, false)
		equal("version", registration.KeyVersion.ID, key)
		that(registration.CreatedBy != "", "createdBy is empty")
		set("creationDate", registration.CreationDate)
	})
	s.success("ListRegistrations", "of all keys, by resource", func() {
		crn := given("KH_PROTECTED_CRN")
		got := must(s.manager.ListRegistrations(s.ctx, "", crn))
		equal("registrations", len(got.Registrations), 1)
		equal("key", got.Registrations[0].KeyID, given("KH_PROTECTED_KEY"))
		equal("prevents deletion", got.Registrations[0].PreventKeyDeletion, true)
	})
	s.success("ListRegistrations", "of all keys, by a resource with a star at its end", func() {
		crn := given("KH_REGISTERED_CRN")
		pattern := crn[:strings.LastIndex(crn, ":")+1] + "*"
		that(len(must(s.manager.ListRegistrations(s.ctx, "", pattern)).Registrations) > 0, "none matches %s", pattern)
	})
	s.success("ListRegistrations", "of all keys", func() {
		given("KH_REGISTERED_KEY")
		that(len(must(s.manager.ListRegistrations(s.ctx, "", "")).Registrations) >= 2, "the two of the frame are missing")
	})
	s.refusal("ListRegistrations", "an unknown key", 404, "KEY_NOT_FOUND_ERR", func() error {
		_, err := s.manager.ListRegistrations(s.ctx, unknownID(), "")
		return err
	})
	s.report.run("refusal", "ListRegistrations", "what is no resource name", func() {
		_, err := s.manager.ListRegistrations(s.ctx, "", "not-a-crn")
		refusedAs(err, []int{400}, "INVALID_QUERY_PARAM_ERR")
	})
	s.syncing()
}

func (s *suite) syncing() {
	s.success("SyncAssociatedResources", "a key that nothing is registered with", func() {
		ok(s.manager.SyncAssociatedResources(s.ctx, s.root().ID))
	})
	s.refusal("SyncAssociatedResources", "twice within the hour", 409, "REQ_TOO_EARLY_ERR", func() error {
		key := given("KH_REGISTERED_KEY")
		ok(s.manager.SyncAssociatedResources(s.ctx, key))
		return s.manager.SyncAssociatedResources(s.ctx, key)
	})
	s.refusal("SyncAssociatedResources", "an unknown key", 404, "KEY_NOT_FOUND_ERR", func() error {
		return s.manager.SyncAssociatedResources(s.ctx, unknownID())
	})
	s.refusal("SyncAssociatedResources", "Reader may not", 401, "", func() error {
		return s.reader.SyncAssociatedResources(s.ctx, s.root().ID)
	})
}
