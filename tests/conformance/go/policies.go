package main

import (
	kp "github.com/IBM/keyprotect-go-client"
)

// keyPolicies shows rotation and dual authorization of single keys.
//
// GetPolicy, deprecated, takes element 0 of the list unseen and so crashes by its own fault on a
// key without policies: it is called only where there is one.
func (s *suite) keyPolicies() {
	s.oldPolicyCalls()
	s.rotationPolicies()
	s.dualAuthPolicies()
	s.bothPolicies()
}

func (s *suite) oldPolicyCalls() {
	s.success("SetPolicy", "deprecated: rotation every four months", func() {
		key := s.root()
		policy := must(s.manager.SetPolicy(s.ctx, key.ID, kp.ReturnRepresentation, 4))
		equal("type", policy.Type, "application/vnd.ibm.kms.policy+json")
		equal("interval", set("rotation", policy.Rotation).Interval, 4)
		that(policy.CRN != "" && policy.CreatedBy != "", "no crn or creator: %v", *policy)
		set("creationDate", policy.CreatedAt)
		set("lastUpdateDate", policy.UpdatedAt)
	})
	s.success("GetPolicy", "deprecated: the one policy of a key", func() {
		key := s.root()
		must(s.manager.SetPolicy(s.ctx, key.ID, kp.ReturnMinimal, 5))
		equal("interval", set("rotation", must(s.manager.GetPolicy(s.ctx, key.ID)).Rotation).Interval, 5)
	})
	s.refusal("SetPolicy", "13 months", 400, "INVALID_FIELD_ERR", func() error {
		return errOf(s.manager.SetPolicy(s.ctx, s.root().ID, kp.ReturnMinimal, 13))
	})
	s.refusal("GetPolicy", "an unknown key", 404, "KEY_NOT_FOUND_ERR", func() error {
		return errOf(s.manager.GetPolicy(s.ctx, unknownID()))
	})
}

func (s *suite) rotationPolicies() {
	// Answers of PUT are checked as well as those of GET after it.
	check := func(id string, answer *kp.Policy, enabled bool, interval int) {
		for _, policy := range []*kp.Policy{answer, must(s.manager.GetRotationPolicy(s.ctx, id))} {
			rotation := set("rotation", set("policy", policy).Rotation)
			equal("enabled", set("enabled", rotation.Enabled), enabled)
			equal("interval", rotation.Interval, interval)
		}
	}
	s.success("SetRotationPolicy", "enabled when nothing is said", func() {
		id := s.root().ID
		check(id, must(s.manager.SetRotationPolicy(s.ctx, id, 12)), true, 12)
	})
	s.success("SetRotationPolicy", "set but disabled", func() {
		id := s.root().ID
		check(id, must(s.manager.SetRotationPolicy(s.ctx, id, 3, false)), false, 3)
	})
	s.success("EnableRotationPolicy", "keeps the interval", func() {
		id := s.root().ID
		must(s.manager.SetRotationPolicy(s.ctx, id, 3, false))
		check(id, must(s.manager.EnableRotationPolicy(s.ctx, id)), true, 3)
	})
	s.success("DisableRotationPolicy", "keeps the interval", func() {
		id := s.root().ID
		must(s.manager.SetRotationPolicy(s.ctx, id, 7))
		check(id, must(s.manager.DisableRotationPolicy(s.ctx, id)), false, 7)
	})
	s.success("GetRotationPolicy", "none on a fresh key", func() {
		unset("policy", must(s.manager.GetRotationPolicy(s.ctx, s.root().ID)))
	})
	for name, interval := range map[string]int{"no month": 0, "13 months": 13} {
		s.refusal("SetRotationPolicy", name, 400, "INVALID_FIELD_ERR", func() error {
			return errOf(s.manager.SetRotationPolicy(s.ctx, s.root().ID, interval))
		})
	}
	s.refusal("SetRotationPolicy", "a standard key", 400, "KEY_ROOT_REQ_ERR", func() error {
		return errOf(s.manager.SetRotationPolicy(s.ctx, s.standard().ID, 1))
	})
	s.report.run("refusal", "SetRotationPolicy", "an imported key cannot rotate by itself", func() {
		refusedAs(errOf(s.manager.SetRotationPolicy(s.ctx, s.imported().ID, 1)), []int{400}, "KEY_PAYLOAD_REQ_ERR")
	})
	s.refusal("EnableRotationPolicy", "nothing stored", 400, "INVALID_FIELD_ERR", func() error {
		return errOf(s.manager.EnableRotationPolicy(s.ctx, s.root().ID))
	})
	s.refusal("DisableRotationPolicy", "Writer may not", 401, "", func() error {
		return errOf(s.writer.DisableRotationPolicy(s.ctx, s.root().ID))
	})
	s.refusal("GetRotationPolicy", "Reader may not", 401, "", func() error {
		return errOf(s.reader.GetRotationPolicy(s.ctx, s.root().ID))
	})
}

func (s *suite) dualAuthPolicies() {
	s.success("SetDualAuthDeletePolicy", "on", func() {
		key := s.standard()
		policy := set("policy", must(s.manager.SetDualAuthDeletePolicy(s.ctx, key.ID, true)))
		equal("enabled", *set("dualAuthDelete", policy.DualAuth).Enabled, true)
		equal("of the key", *must(s.manager.GetKeyMetadata(s.ctx, key.ID)).DualAuthDelete.Enabled, true)
	})
	s.success("GetDualAuthDeletePolicy", "none, then one that is off", func() {
		id := s.root().ID
		unset("policy", must(s.manager.GetDualAuthDeletePolicy(s.ctx, id)))
		must(s.manager.SetDualAuthDeletePolicy(s.ctx, id, false))
		policy := set("policy", must(s.manager.GetDualAuthDeletePolicy(s.ctx, id)))
		equal("enabled", *set("dualAuthDelete", policy.DualAuth).Enabled, false)
	})
	s.report.run("refusal", "SetDualAuthDeletePolicy", "cannot be switched off", func() {
		id := s.root().ID
		must(s.manager.SetDualAuthDeletePolicy(s.ctx, id, true))
		refusedAs(errOf(s.manager.SetDualAuthDeletePolicy(s.ctx, id, false)), []int{409}, "")
		equal("enabled", *must(s.manager.GetDualAuthDeletePolicy(s.ctx, id)).DualAuth.Enabled, true)
	})
	s.refusal("GetDualAuthDeletePolicy", "an unknown key", 404, "KEY_NOT_FOUND_ERR", func() error {
		return errOf(s.manager.GetDualAuthDeletePolicy(s.ctx, unknownID()))
	})
}

func (s *suite) bothPolicies() {
	s.success("GetPolicies", "none on a fresh key", func() {
		equal("policies", len(must(s.manager.GetPolicies(s.ctx, s.root().ID))), 0)
	})
	s.success("SetPolicies", "both; each answer holds what was asked", func() {
		id := s.root().ID
		answer := must(s.manager.SetPolicies(s.ctx, id, true, 6, true, false))
		equal("policies", len(answer), 2)
		equal("interval", set("rotation", answer[0].Rotation).Interval, 6)
		equal("dual authorization", *set("dualAuthDelete", answer[1].DualAuth).Enabled, false)
		equal("policies read", len(must(s.manager.GetPolicies(s.ctx, id))), 2)
		answer = must(s.manager.SetPolicies(s.ctx, id, true, 2, false, false, false))
		equal("policies of the second answer", len(answer), 1)
		equal("enabled", *set("rotation", answer[0].Rotation).Enabled, false)
		equal("policies read again", len(must(s.manager.GetPolicies(s.ctx, id))), 2)
	})
	s.refusal("SetPolicies", "one bad policy changes neither", 400, "INVALID_FIELD_ERR", func() error {
		id := s.root().ID
		_, err := s.manager.SetPolicies(s.ctx, id, true, 13, true, true)
		equal("policies", len(must(s.manager.GetPolicies(s.ctx, id))), 0)
		return err
	})
	s.refusal("GetPolicies", "Writer may not", 401, "", func() error {
		return errOf(s.writer.GetPolicies(s.ctx, s.root().ID))
	})
}
