package main

import (
	"os"
	"strings"
	"time"

	kp "github.com/IBM/keyprotect-go-client"
)

// lifecycle starts the clocks of enable, restore and purge with keys of its own and gives the
// function that waits for them at the end of the run.
func (s *suite) lifecycle() func() {
	var disabled, destroyed, doomed kp.Key
	s.success("DisableKey", "keys for the waiting times at the end", func() {
		disabled, destroyed, doomed = *s.root(), *s.standard(), *s.root()
		ok(s.manager.DisableKey(s.ctx, disabled.ID))
		s.remove(destroyed.ID)
		s.remove(doomed.ID)
	})
	started := time.Now()
	return func() {
		// A server's clock cannot be awaited: the cases between have taken most of this time.
		longest := max(seconds("KH_RESTORE_WAIT"), seconds("KH_PURGE_WAIT"))
		time.Sleep(time.Until(started.Add(longest + time.Second)))
		s.success("EnableKey", "after its waiting time", func() {
			ok(s.manager.EnableKey(s.ctx, disabled.ID))
			s.roundTrip(disabled.ID)
		})
		s.success("RestoreKey", "after its waiting time", func() {
			payload := must(s.manager.RestoreKey(s.ctx, destroyed.ID))
			equal("id", payload.ID, destroyed.ID)
			equal("state", payload.State, int(kp.Active))
			key := must(s.manager.GetKey(s.ctx, destroyed.ID))
			equal("deleted", set("deleted", key.Deleted), false)
			that(key.Payload != "", "the payload did not come back")
		})
		s.purge(doomed.ID)
	}
}

func (s *suite) purge(id string) {
	s.success("PurgeKey", "after its waiting time", func() {
		key := must(s.purger.PurgeKey(s.ctx, id, kp.ReturnRepresentation))
		equal("id", set("resource", key).ID, id)
		refused(errOf(s.manager.GetKeyMetadata(s.ctx, id)), 404, "KEY_NOT_FOUND_ERR")
	})
}

// deletion shows disable, delete, restore and purge as far as no clock is needed.
func (s *suite) deletion() {
	s.disabling()
	s.deleting()
	s.deleteRefusals()
	s.waitingTimes()
}

func (s *suite) disabling() {
	s.success("DisableKey", "and the state shows it", func() {
		key := s.root()
		ok(s.manager.DisableKey(s.ctx, key.ID))
		equal("state", must(s.manager.GetKeyMetadata(s.ctx, key.ID)).State, int(kp.Suspended))
	})
	s.refusal("DisableKey", "twice", 409, "KEY_ACTION_INVALID_STATE_ERR", func() error {
		key := s.root()
		ok(s.manager.DisableKey(s.ctx, key.ID))
		return s.manager.DisableKey(s.ctx, key.ID)
	})
	s.refusal("DisableKey", "a standard key", 400, "KEY_ROOT_REQ_ERR", func() error {
		return s.manager.DisableKey(s.ctx, s.standard().ID)
	})
	s.refusal("DisableKey", "Writer may not", 401, "", func() error { return s.writer.DisableKey(s.ctx, s.root().ID) })
	s.refusal("EnableKey", "an active key", 409, "KEY_ACTION_INVALID_STATE_ERR", func() error {
		return s.manager.EnableKey(s.ctx, s.root().ID)
	})
	s.refusal("EnableKey", "Writer may not", 401, "", func() error { return s.writer.EnableKey(s.ctx, s.root().ID) })
}

func (s *suite) deleting() {
	s.success("DeleteKey", "minimal: no key in the answer", func() {
		key := s.root()
		unset("resource", must(s.manager.DeleteKey(s.ctx, key.ID, kp.ReturnMinimal)))
		equal("state", must(s.manager.GetKeyMetadata(s.ctx, key.ID)).State, int(kp.Destroyed))
	})
	s.success("DeleteKey", "representation: dates of purge", func() {
		gone := set("resource", must(s.manager.DeleteKey(s.ctx, s.standard().ID, kp.ReturnRepresentation)))
		equal("state", gone.State, int(kp.Destroyed))
		equal("deleted", set("deleted", gone.Deleted), true)
		equal("payload", gone.Payload, "")
		that(set("deletedBy", gone.DeletedBy) != "", "deletedBy is empty")
		equal("purgeAllowed", set("purgeAllowed", gone.PurgeAllowed), false)
		deleted := set("deletionDate", gone.DeletionDate)
		equal("purge from", set("purgeAllowedFrom", gone.PurgeAllowedFrom).Sub(deleted), seconds("KH_PURGE_WAIT"))
		equal("purge on", set("purgeScheduledOn", gone.PurgeScheduledOn).Sub(deleted), 90*24*time.Hour)
	})
	s.success("DeleteKey", "by alias, with the force option", func() {
		alias := s.name("gone")
		must(s.manager.CreateKeyWithAliases(s.ctx, s.name("gone"), nil, false, []string{alias}))
		must(s.manager.DeleteKey(s.ctx, alias, kp.ReturnMinimal, kp.ForceOpt{Force: true}))
		equal("state", must(s.manager.GetKeyMetadata(s.ctx, alias)).State, int(kp.Destroyed))
	})
	s.success("GetKey", "a destroyed standard key has no payload", func() {
		key := s.standard()
		s.remove(key.ID)
		equal("payload", must(s.manager.GetKey(s.ctx, key.ID)).Payload, "")
	})
}

func (s *suite) deleteRefusals() {
	s.refusal("DeleteKey", "twice", 410, "KEY_DELETED_ERR", func() error {
		key := s.root()
		s.remove(key.ID)
		return errOf(s.manager.DeleteKey(s.ctx, key.ID, kp.ReturnMinimal))
	})
	s.refusal("DeleteKey", "Writer may not", 401, "", func() error {
		return errOf(s.writer.DeleteKey(s.ctx, s.root().ID, kp.ReturnMinimal))
	})
	s.refusal("DeleteKey", "an unknown key", 404, "KEY_NOT_FOUND_ERR", func() error {
		return errOf(s.manager.DeleteKey(s.ctx, unknownID(), kp.ReturnMinimal))
	})
	s.refusal("DeleteKey", "registered, not forced", 409, "PROTECTED_RESOURCE_ERR", func() error {
		return errOf(s.manager.DeleteKey(s.ctx, given("KH_REGISTERED_KEY"), kp.ReturnMinimal, kp.ForceOpt{Force: false}))
	})
	s.refusal("DeleteKey", "a registration prevents it, also when forced", 409, "PREV_KEY_DEL_ERR", func() error {
		return errOf(s.manager.DeleteKey(s.ctx, given("KH_PROTECTED_KEY"), kp.ReturnMinimal, kp.ForceOpt{Force: true}))
	})
	s.refusal("RestoreKey", "an active key", 409, "KEY_ACTION_INVALID_STATE_ERR", func() error {
		return errOf(s.manager.RestoreKey(s.ctx, s.root().ID))
	})
	s.refusal("PurgeKey", "an active key", 409, "KEY_ACTION_INVALID_STATE_ERR", func() error {
		return errOf(s.purger.PurgeKey(s.ctx, s.root().ID, kp.ReturnMinimal))
	})
	s.refusal("PurgeKey", "Manager may not", 401, "", func() error {
		key := s.root()
		s.remove(key.ID)
		return errOf(s.manager.PurgeKey(s.ctx, key.ID, kp.ReturnMinimal))
	})
}

func (s *suite) waitingTimes() {
	s.refusal("EnableKey", "at once after disable", 409, "REQ_TOO_EARLY_ERR", func() error {
		key := s.root()
		ok(s.manager.DisableKey(s.ctx, key.ID))
		return s.manager.EnableKey(s.ctx, key.ID)
	})
	s.refusal("RestoreKey", "at once after deletion", 409, "REQ_TOO_EARLY_ERR", func() error {
		key := s.root()
		s.remove(key.ID)
		return errOf(s.manager.RestoreKey(s.ctx, key.ID))
	})
	s.refusal("PurgeKey", "at once after deletion, naming the time as Go does", 409, "REQ_TOO_EARLY_ERR", func() error {
		key := s.root()
		s.remove(key.ID)
		_, err := s.purger.PurgeKey(s.ctx, key.ID, kp.ReturnMinimal)
		wait := seconds("KH_PURGE_WAIT").String()
		that(err != nil && strings.Contains(err.Error(), wait), "%s is missing: %v", wait, err)
		return err
	})
}

// dualAuthorization shows the deletion by two people.
func (s *suite) dualAuthorization() {
	protected := func() *kp.Key {
		key := s.root()
		must(s.manager.SetDualAuthDeletePolicy(s.ctx, key.ID, true))
		return key
	}
	s.success("InitiateDualAuthDelete", "then another person deletes", func() {
		key := protected()
		ok(s.manager.InitiateDualAuthDelete(s.ctx, key.ID))
		s.roundTrip(key.ID) // the key stays in use
		must(s.second.DeleteKey(s.ctx, key.ID, kp.ReturnMinimal))
		equal("state", must(s.manager.GetKeyMetadata(s.ctx, key.ID)).State, int(kp.Destroyed))
	})
	s.success("CancelDualAuthDelete", "then nobody deletes alone", func() {
		key := protected()
		ok(s.writer.InitiateDualAuthDelete(s.ctx, key.ID))
		ok(s.manager.CancelDualAuthDelete(s.ctx, key.ID))
		refused(errOf(s.second.DeleteKey(s.ctx, key.ID, kp.ReturnMinimal)), 409, "AUTHORIZATIONS_NOT_MET")
	})
	s.refusal("DeleteKey", "without an authorization", 409, "AUTHORIZATIONS_NOT_MET", func() error {
		return errOf(s.manager.DeleteKey(s.ctx, protected().ID, kp.ReturnMinimal))
	})
	s.refusal("DeleteKey", "by the person who authorized it", 409, "AUTHORIZATIONS_NOT_MET", func() error {
		key := protected()
		ok(s.manager.InitiateDualAuthDelete(s.ctx, key.ID))
		return errOf(s.manager.DeleteKey(s.ctx, key.ID, kp.ReturnMinimal))
	})
	s.refusal("InitiateDualAuthDelete", "a key without the policy", 409, "NOT_DUAL_AUTH_ERR", func() error {
		return s.manager.InitiateDualAuthDelete(s.ctx, s.root().ID)
	})
	s.refusal("InitiateDualAuthDelete", "Reader may not", 401, "", func() error {
		return s.reader.InitiateDualAuthDelete(s.ctx, protected().ID)
	})
	s.refusal("CancelDualAuthDelete", "a key without the policy", 409, "NOT_DUAL_AUTH_ERR", func() error {
		return s.manager.CancelDualAuthDelete(s.ctx, s.root().ID)
	})
}

// given reads what the frame prepared; the case is skipped when the server has none.
func given(variable string) string {
	value := os.Getenv(variable)
	if value == "" {
		skip(variable + " is not given")
	}
	return value
}
