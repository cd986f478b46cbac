package main

import (
	"context"
	"os"

	kp "github.com/IBM/keyprotect-go-client"
)

// instancePolicies sets each policy of an instance of its own, sees it at work, and leaves it off.
func (s *suite) instancePolicies() {
	s.notSet()
	s.dualAuthAndMetrics()
	s.rotationOfInstance()
	s.networkAndIP()
	s.keyAccess()
	s.several()
	s.instancePolicyReaders()
}

type getter = func(*kp.Client) (*kp.InstancePolicy, error)

func (s *suite) getters() map[string]getter {
	bound := map[string]func(*kp.Client, context.Context) (*kp.InstancePolicy, error){
		"GetDualAuthInstancePolicy":              (*kp.Client).GetDualAuthInstancePolicy,
		"GetMetricsInstancePolicy":               (*kp.Client).GetMetricsInstancePolicy,
		"GetRotationInstancePolicy":              (*kp.Client).GetRotationInstancePolicy,
		"GetAllowedNetworkInstancePolicy":        (*kp.Client).GetAllowedNetworkInstancePolicy,
		"GetAllowedIPInstancePolicy":             (*kp.Client).GetAllowedIPInstancePolicy,
		"GetKeyCreateImportAccessInstancePolicy": (*kp.Client).GetKeyCreateImportAccessInstancePolicy,
	}
	out := map[string]getter{}
	for call, get := range bound {
		out[call] = func(c *kp.Client) (*kp.InstancePolicy, error) { return get(c, s.ctx) }
	}
	return out
}

func (s *suite) notSet() {
	for call, get := range s.getters() {
		s.success(call, "none while it was never set", func() { unset("policy", must(get(s.rules))) })
	}
	s.success("GetInstancePolicies", "none while none was ever set", func() {
		equal("policies", len(must(s.rules.GetInstancePolicies(s.ctx))), 0)
	})
}

// data gives the policy as GET shows it.
func (s *suite) data(call string, enabled bool) kp.InstancePolicy {
	policy := set(call, must(s.getters()[call](s.rules)))
	equal("enabled", set("enabled", policy.PolicyData.Enabled), enabled)
	that(policy.CreatedBy != "" && policy.UpdatedBy != "", "no creator or changer: %v", policy)
	set("creationDate", policy.CreatedAt)
	set("lastUpdated", policy.UpdatedAt)
	if !enabled {
		unset("attributes of a disabled policy", policy.PolicyData.Attributes)
	}
	return policy
}

func (s *suite) rulesRoot() *kp.Key { return must(s.rules.CreateRootKey(s.ctx, s.name("root"), nil)) }

func (s *suite) rulesClient(variable string) *kp.Client {
	return s.client(variable, os.Getenv("KH_INSTANCE_RULES"))
}

func (s *suite) dualAuthAndMetrics() {
	dual := func(key *kp.Key) bool { return *must(s.rules.GetKeyMetadata(s.ctx, key.ID)).DualAuthDelete.Enabled }
	s.success("SetDualAuthInstancePolicy", "counts for keys made afterwards", func() {
		before := s.rulesRoot()
		ok(s.rules.SetDualAuthInstancePolicy(s.ctx, true))
		during := s.rulesRoot()
		equal("type", s.data("GetDualAuthInstancePolicy", true).PolicyType, kp.DualAuthDelete)
		ok(s.rules.SetDualAuthInstancePolicy(s.ctx, false))
		s.data("GetDualAuthInstancePolicy", false)
		equal("before, during, after", []bool{dual(before), dual(during), dual(s.rulesRoot())}, []bool{false, true, false})
	})
	s.success("SetMetricsInstancePolicy", "on and off", func() {
		for _, enabled := range []bool{true, false} {
			ok(s.rules.SetMetricsInstancePolicy(s.ctx, enabled))
			equal("type", s.data("GetMetricsInstancePolicy", enabled).PolicyType, kp.Metrics)
		}
	})
	writer := s.rulesClient("KH_APIKEY_WRITER")
	s.refusal("SetDualAuthInstancePolicy", "Writer may not", 401, "", func() error {
		return writer.SetDualAuthInstancePolicy(s.ctx, true)
	})
	s.refusal("SetMetricsInstancePolicy", "Writer may not", 401, "", func() error {
		return writer.SetMetricsInstancePolicy(s.ctx, true)
	})
}

func (s *suite) rotationOfInstance() {
	interval := func(months int) *int { return &months }
	s.success("SetRotationInstancePolicy", "generated root keys get it", func() {
		ok(s.rules.SetRotationInstancePolicy(s.ctx, true, interval(3)))
		policy := s.data("GetRotationInstancePolicy", true)
		equal("interval", *set("attributes", policy.PolicyData.Attributes).IntervalMonth, 3)
		root := set("policy", must(s.rules.GetRotationPolicy(s.ctx, s.rulesRoot().ID)))
		equal("interval of a key", root.Rotation.Interval, 3)
		imported := must(s.rules.CreateImportedRootKey(s.ctx, s.name("imported"), nil, material(32), "", ""))
		unset("policy of an imported key", must(s.rules.GetRotationPolicy(s.ctx, imported.ID)))
		own := must(s.rules.CreateRootKeyWithPolicyOverrides(s.ctx, s.name("own"), nil, nil, kp.Policy{}))
		unset("policy of a key with overrides", must(s.rules.GetRotationPolicy(s.ctx, own.ID)))
		ok(s.rules.SetRotationInstancePolicy(s.ctx, false, nil))
		s.data("GetRotationInstancePolicy", false)
		unset("policy of a later key", must(s.rules.GetRotationPolicy(s.ctx, s.rulesRoot().ID)))
	})
	s.refusal("SetRotationInstancePolicy", "13 months", 400, "INVALID_FIELD_ERR", func() error {
		return s.rules.SetRotationInstancePolicy(s.ctx, true, interval(13))
	})
	s.refusalHere("SetRotationInstancePolicy", "the client wants an interval", "Interval Month", func() error {
		return s.rules.SetRotationInstancePolicy(s.ctx, true, nil)
	})
}

func (s *suite) networkAndIP() {
	s.success("SetAllowedNetworkInstancePolicy", "both networks, then off with an empty attribute", func() {
		ok(s.rules.SetAllowedNetworkInstancePolicy(s.ctx, true, "public-and-private"))
		policy := s.data("GetAllowedNetworkInstancePolicy", true)
		equal("network", *set("attributes", policy.PolicyData.Attributes).AllowedNetwork, "public-and-private")
		ok(s.rules.SetAllowedNetworkInstancePolicy(s.ctx, false, ""))
		equal("enabled", *must(s.rules.GetAllowedNetworkInstancePolicy(s.ctx)).PolicyData.Enabled, false)
		ok(s.rules.SetAllowedNetworkInstancePolicy(s.ctx, false, "public-and-private"))
	})
	s.refusal("SetAllowedNetworkInstancePolicy", "an unknown network", 400, "INVALID_FIELD_ERR", func() error {
		return s.rules.SetAllowedNetworkInstancePolicy(s.ctx, true, "moon")
	})
	s.success("SetAllowedIPInstancePolicy", "loopback allowed, then off", func() {
		subnets := kp.IPAddresses{"127.0.0.0/8", "::1/128"}
		ok(s.rules.SetAllowedIPInstancePolicy(s.ctx, true, subnets))
		policy := s.data("GetAllowedIPInstancePolicy", true)
		equal("subnets", *set("attributes", policy.PolicyData.Attributes).AllowedIP, subnets)
		ok(s.rules.SetAllowedIPInstancePolicy(s.ctx, false, nil))
		s.data("GetAllowedIPInstancePolicy", false)
	})
	s.success("SetAllowedIPInstancePolicy", "an address outside is locked out, but for the port", func() {
		closed := s.client("KH_APIKEY", given("KH_INSTANCE_CLOSED"))
		must(closed.GetKeys(s.ctx, 1, 0))
		ok(closed.SetAllowedIPInstancePolicy(s.ctx, true, []string{"192.0.2.0/24"}))
		refused(errOf(closed.GetKeys(s.ctx, 1, 0)), 401, "")
		must(closed.GetAllowedIPPrivateNetworkPort(s.ctx))
	})
	s.refusal("SetAllowedIPInstancePolicy", "what is no subnet", 400, "INVALID_FIELD_ERR", func() error {
		return s.rules.SetAllowedIPInstancePolicy(s.ctx, true, []string{"nowhere"})
	})
	s.refusalHere("SetAllowedIPInstancePolicy", "the client wants a subnet", "at least 1 IP subnet", func() error {
		return s.rules.SetAllowedIPInstancePolicy(s.ctx, true, nil)
	})
	s.success("GetAllowedIPPrivateNetworkPort", "a port while the policy is on", func() {
		ok(s.rules.SetAllowedIPInstancePolicy(s.ctx, true, []string{"127.0.0.0/8", "::1/128"}))
		defer func() { ok(s.rules.SetAllowedIPInstancePolicy(s.ctx, false, nil)) }()
		port := must(s.rules.GetAllowedIPPrivateNetworkPort(s.ctx))
		that(port > 0 && port < 65536, "port %d", port)
	})
	s.refusalHere("GetAllowedIPPrivateNetworkPort", "none while the policy is off", "no port number", func() error {
		return errOf(s.rules.GetAllowedIPPrivateNetworkPort(s.ctx))
	})
	s.refusal("GetAllowedIPPrivateNetworkPort", "Reader may not", 401, "", func() error {
		return errOf(s.rulesReader.GetAllowedIPPrivateNetworkPort(s.ctx))
	})
}

func (s *suite) keyAccess() {
	off := func() { ok(s.rules.SetKeyCreateImportAccessInstancePolicy(s.ctx, false, nil)) }
	s.success("SetKeyCreateImportAccessInstancePolicy", "what is not said is back to its default", func() {
		defer off()
		ok(s.rules.SetKeyCreateImportAccessInstancePolicy(s.ctx, true, map[string]bool{kp.CreateStandardKey: false}))
		ok(s.rules.SetKeyCreateImportAccessInstancePolicy(s.ctx, true, map[string]bool{kp.ImportRootKey: false}))
		policy := s.data("GetKeyCreateImportAccessInstancePolicy", true)
		got := set("attributes", policy.PolicyData.Attributes)
		equal("create root, create standard, import root, import standard, token",
			[]bool{*got.CreateRootKey, *got.CreateStandardKey, *got.ImportRootKey, *got.ImportStandardKey, *got.EnforceToken},
			[]bool{true, true, false, true, false})
	})
	plain := func() error {
		return errOf(s.rules.CreateImportedRootKey(s.ctx, s.name("denied"), nil, material(32), "", ""))
	}
	for attribute, create := range map[string]func() error{
		kp.CreateRootKey:     func() error { return errOf(s.rules.CreateRootKey(s.ctx, s.name("denied"), nil)) },
		kp.CreateStandardKey: func() error { return errOf(s.rules.CreateStandardKey(s.ctx, s.name("denied"), nil)) },
		kp.ImportRootKey:     plain,
		kp.ImportStandardKey: func() error {
			return errOf(s.rules.CreateImportedStandardKey(s.ctx, s.name("denied"), nil, material(8)))
		},
		kp.EnforceToken: plain,
	} {
		s.success("SetKeyCreateImportAccessInstancePolicy", attribute+" is enforced", func() {
			defer off()
			ok(s.rules.SetKeyCreateImportAccessInstancePolicy(s.ctx, true, map[string]bool{attribute: attribute == kp.EnforceToken}))
			refused(create(), 409, "KEY_CREATE_IMPORT_ACCESS_ERR")
			off()
			ok(create())
		})
	}
	s.refusal("SetKeyCreateImportAccessInstancePolicy", "Writer may not", 401, "", func() error {
		return s.rulesClient("KH_APIKEY_WRITER").SetKeyCreateImportAccessInstancePolicy(s.ctx, true, nil)
	})
}

func (s *suite) several() {
	interval := func(months int) *int { return &months }
	s.success("SetInstancePolicies", "all six at once, then off", func() {
		subnets := &kp.IPAddresses{"127.0.0.0/8", "::1/128"}
		ok(s.rules.SetInstancePolicies(s.ctx, kp.MultiplePolicies{
			DualAuthDelete: &kp.BasicPolicyData{Enabled: true}, Metrics: &kp.BasicPolicyData{Enabled: true},
			AllowedNetwork: &kp.AllowedNetworkPolicyData{Enabled: true, Network: "public-and-private"},
			AllowedIP:      &kp.AllowedIPPolicyData{Enabled: true, IPAddresses: subnets},
			KeyCreateImportAccess: &kp.KeyCreateImportAccessInstancePolicy{Enabled: true,
				Attributes: &kp.KeyCreateImportAccessInstancePolicyAttributes{ImportStandardKey: no()}},
			Rotation: &kp.RotationPolicyData{Enabled: true, IntervalMonth: interval(2)},
		}))
		equal("policies", s.enabledPolicies(), 6)
		// The client sends empty attributes for a disabled allowedIP here.
		ok(s.rules.SetInstancePolicies(s.ctx, kp.MultiplePolicies{
			DualAuthDelete: &kp.BasicPolicyData{}, Metrics: &kp.BasicPolicyData{},
			AllowedNetwork:        &kp.AllowedNetworkPolicyData{Network: "public-and-private"},
			AllowedIP:             &kp.AllowedIPPolicyData{},
			KeyCreateImportAccess: &kp.KeyCreateImportAccessInstancePolicy{}, Rotation: &kp.RotationPolicyData{},
		}))
		equal("policies still enabled", s.enabledPolicies(), 0)
	})
	s.success("GetInstancePolicies", "disabled ones stay listed", func() {
		ok(s.rules.SetMetricsInstancePolicy(s.ctx, false))
		policies := must(s.rules.GetInstancePolicies(s.ctx))
		that(len(policies) > 0, "none listed")
		for _, policy := range policies {
			that(policy.PolicyType != "", "a policy without type: %v", policy)
			equal(policy.PolicyType+" enabled", set("enabled", policy.PolicyData.Enabled), false)
		}
	})
	s.refusal("SetInstancePolicies", "one bad policy changes none", 400, "INVALID_FIELD_ERR", func() error {
		err := s.rules.SetInstancePolicies(s.ctx, kp.MultiplePolicies{Metrics: &kp.BasicPolicyData{Enabled: true},
			Rotation: &kp.RotationPolicyData{Enabled: true, IntervalMonth: interval(13)}})
		equal("policies enabled", s.enabledPolicies(), 0)
		return err
	})
}

func (s *suite) enabledPolicies() int {
	count := 0
	for _, policy := range must(s.rules.GetInstancePolicies(s.ctx)) {
		if set("enabled", policy.PolicyData.Enabled) {
			count++
		}
	}
	return count
}

func (s *suite) instancePolicyReaders() {
	for call, get := range s.getters() {
		s.refusal(call, "Reader may not", 401, "", func() error { return errOf(get(s.rulesReader)) })
	}
	s.refusal("GetInstancePolicies", "Reader may not", 401, "", func() error {
		return errOf(s.rulesReader.GetInstancePolicies(s.ctx))
	})
}
