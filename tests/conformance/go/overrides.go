package main

import (
	kp "github.com/IBM/keyprotect-go-client"
)

func yes() *bool { value := true; return &value }

func no() *bool { value := false; return &value }

func months(interval int) *kp.Rotation { return &kp.Rotation{Interval: interval} }

// overrides makes keys with policies of their own, whatever the instance's policies say.
func (s *suite) overrides() {
	s.overriddenRoots()
	s.overriddenImports()

	rotation := func(interval int) kp.Policy { return kp.Policy{Rotation: months(interval)} }
	// The client sends -1 when it is given 0, so that the server can say what is wrong.
	for name, interval := range map[string]int{"no month": 0, "13 months": 13} {
		s.refusal("CreateRootKeyWithPolicyOverrides", "a rotation every "+name, 400, "INVALID_FIELD_ERR", func() error {
			return errOf(s.manager.CreateRootKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, nil, rotation(interval)))
		})
	}
	s.refusal("CreateKeyWithPolicyOverrides", "Writer may not set policies", 401, "", func() error {
		return errOf(s.writer.CreateKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, false, nil, rotation(1)))
	})
	s.refusal("CreateKeyWithPolicyOverridesWithOptions", "a description of one character", 400, "INVALID_FIELD_ERR", func() error {
		return errOf(s.manager.CreateKeyWithPolicyOverridesWithOptions(s.ctx, s.name("override"), false, rotation(1),
			kp.WithDescription("d")))
	})
	s.refusal("CreateStandardKeyWithPolicyOverrides", "rotation is for root keys", 400, "KEY_ROOT_REQ_ERR", func() error {
		return errOf(s.manager.CreateStandardKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, nil, rotation(1)))
	})
	s.refusal("CreateImportedStandardKeyWithPolicyOverrides", "rotation is for root keys", 400, "KEY_ROOT_REQ_ERR", func() error {
		return errOf(s.manager.CreateImportedStandardKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, material(8),
			nil, rotation(1)))
	})
	s.refusal("CreateImportedKeyWithPolicyOverrides", "31 bytes", 400, "INVALID_FIELD_ERR", func() error {
		return errOf(s.manager.CreateImportedKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, material(31), "", "", false,
			nil, kp.Policy{}))
	})
	s.report.run("refusal", "CreateImportedRootKeyWithPolicyOverrides", "an imported key cannot rotate by itself", func() {
		_, err := s.manager.CreateImportedRootKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, material(32),
			"", "", nil, rotation(1))
		refusedAs(err, []int{400}, "KEY_PAYLOAD_REQ_ERR")
	})
}

func (s *suite) overriddenRoots() {
	s.success("CreateRootKeyWithPolicyOverrides", "rotation every three months, under an alias", func() {
		alias := s.name("override")
		key := must(s.manager.CreateRootKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, []string{alias},
			kp.Policy{Rotation: months(3)}))
		equal("aliases", key.Aliases, []string{alias})
		policy := set("policy", must(s.manager.GetRotationPolicy(s.ctx, alias)))
		equal("interval", policy.Rotation.Interval, 3)
		equal("enabled", set("enabled", policy.Rotation.Enabled), true)
	})
	s.success("CreateRootKeyWithPolicyOverrides", "no policies", func() {
		key := must(s.manager.CreateRootKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, nil, kp.Policy{}))
		equal("policies", len(must(s.manager.GetPolicies(s.ctx, key.ID))), 0)
	})
	s.success("CreateKeyWithPolicyOverrides", "both policies, rotation switched off", func() {
		rotation := &kp.Rotation{Enabled: no(), Interval: 12}
		key := must(s.manager.CreateKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, false, nil,
			kp.Policy{Rotation: rotation, DualAuth: &kp.DualAuth{Enabled: yes()}}))
		equal("dual authorization", *set("dualAuthDelete", key.DualAuthDelete).Enabled, true)
		equal("rotation", set("enabled", set("rotation", key.Rotation).Enabled), false)
		equal("policies", len(must(s.manager.GetPolicies(s.ctx, key.ID))), 2)
	})
	s.success("CreateKeyWithPolicyOverridesWithOptions", "with description and tags", func() {
		key := must(s.manager.CreateKeyWithPolicyOverridesWithOptions(s.ctx, s.name("override"), false,
			kp.Policy{Rotation: months(1)}, kp.WithDescription("overridden"), kp.WithTags([]string{"one"})))
		got := must(s.manager.GetKeyMetadata(s.ctx, key.ID))
		equal("description", got.Description, "overridden")
		equal("interval", set("rotation", got.Rotation).Interval, 1)
	})
	s.success("CreateStandardKeyWithPolicyOverrides", "dual authorization", func() {
		key := must(s.manager.CreateStandardKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, nil,
			kp.Policy{DualAuth: &kp.DualAuth{Enabled: yes()}}))
		equal("extractable", key.Extractable, true)
		equal("enabled", *set("policy", must(s.manager.GetDualAuthDeletePolicy(s.ctx, key.ID))).DualAuth.Enabled, true)
	})
}

func (s *suite) overriddenImports() {
	dual := kp.Policy{DualAuth: &kp.DualAuth{Enabled: no()}}
	s.success("CreateImportedKeyWithPolicyOverrides", "a root key", func() {
		key := must(s.manager.CreateImportedKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, material(32), "", "", false,
			[]string{s.name("override")}, dual))
		s.roundTrip(key.ID)
	})
	s.success("CreateImportedRootKeyWithPolicyOverrides", "a root key", func() {
		key := must(s.manager.CreateImportedRootKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, material(24), "", "", nil, dual))
		equal("imported", key.Imported, true)
		s.roundTrip(key.ID)
	})
	s.success("CreateImportedStandardKeyWithPolicyOverrides", "a standard key", func() {
		payload := material(100)
		key := must(s.manager.CreateImportedStandardKeyWithPolicyOverrides(s.ctx, s.name("override"), nil, payload, nil, dual))
		equal("payload", must(s.manager.GetKey(s.ctx, key.ID)).Payload, payload)
	})
}
