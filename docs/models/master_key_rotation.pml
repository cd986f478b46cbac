/*
 * Master-key rotation of one service instance: crypto units, server, store, tool, and a crash anywhere.
 *
 * What it shows: with the rules below no stored blob ever becomes unreadable, in whatever order an operator gives
 * the commands and whatever stops in between. docs/models/README.md says what each name is in the code, what is left
 * out, and how to run it. Each FAULT_... removes one rule; Spin must then find a violation (./run-tests models), which
 * proves both that the rule is needed and that the invariant can fail.
 *
 * Every step is one d_step: one durable write (of the units' state file or of the store) or one message taken. What is
 * not durable (a creation, a re-sealing, a frame on its way) may be lost between any two steps, as often as one likes.
 * An answer that is lost after the write is no step of its own: nothing here depends on having got an answer.
 */

/* Master keys are 1 to 3, and 0 is none. Units 0 and 1 are operational, unless ONE_OPERATIONAL; unit 2 is the recovery
 * unit, WITH_RECOVERY_UNIT. */
#define RECOVERY 2
#define UNITS 3
#ifndef BLOBS
#define BLOBS 3
#endif

/* LIVENESS: people, purges and crashes have so many steps in all; then only those who work on the rotation go on. */
#ifdef LIVENESS
#ifndef TROUBLE
#define TROUBLE 4
#endif
byte trouble = TROUBLE;
#define allowed (trouble > 0)
#define spend trouble--
#else
#define allowed true
#define spend skip
#endif

mtype:phase = { None, Resealing, Resealed, Reverting };
mtype:command = { NoFrame, SetImmediate, ClearCurrent, ClearPending, Zeroize };
mtype:stage = { Idle, Sealed };
mtype:record = { Same, Changed, Purged };

/* ---- Durable, in the units' state file ---- */
byte current[UNITS];   /* 0: Empty, else Valid */
byte pending[UNITS];   /* 0: Empty, else FullUncommitted, or FullCommitted when: */
bool committed[UNITS];
bool joined[UNITS];    /* whether the instance's keys depend on the unit; never true of the recovery unit */

/* ---- Durable, in the store. Blobs differ only in their master key, so they are counted by it. ---- */
byte blobs[4];
mtype:phase rotation = None; /* with from_key and to_key in the instance record */
byte from_key, to_key;

/* ---- Not durable: what the server is at ---- */
mtype:stage creation = Idle;   /* Sealed: the unit has answered; holds the gate shared until the commit */
byte creation_key;
mtype:stage reseal = Idle;     /* Sealed: the unit has answered; holds the gate shared until the commit */
byte reseal_under;             /* the blob that was read is sealed under it */
byte reseal_target;
mtype:record in_hand = Same;   /* what became of the record in hand since it was read */
mtype:command frame = NoFrame; /* on its way to a unit; holds the gate exclusively */
byte frame_unit;

/* ---- For the invariants only: the recovery unit had both keys at Begin, and nobody zeroized it since. ---- */
bool recovery_in_step;
#ifdef FAULT_ACK_BEFORE_SAVE
bool unsaved[UNITS]; /* what the unit has answered about its pending register is not in the state file yet */
#define note_unsaved(u) unsaved[u] = true
#else
#define note_unsaved(u) skip
#endif
/* With LOSS an operator may take the last copy of a key away, having said so (accept_key_loss). From then on until the
 * keys are back in the units, blobs may be unreadable; after that everything holds again. */
#ifdef LOSS
bool lost;
#define not_lost (!lost)
#else
#define not_lost true
#endif
byte acknowledged; /* keys that their creators know of and nobody purged */

#define holds(u, k) (current[u] == (k) || (pending[u] == (k) && committed[u]))
#define serves(u) (joined[u] && current[u] != 0)
/* unit::derive_instance_key: every joined unit has a current key, and holds this one. */
#define held_by(u, k) (!joined[u] || (current[u] != 0 && holds(u, k)))
#define held(k) (held_by(0, k) && held_by(1, k))
#define needed(k) (blobs[k] != 0)
#define total (blobs[1] + blobs[2] + blobs[3])
#define all_under(k) (total == blobs[k])
#define of_needed(f) ((!needed(1) || f(1)) && (!needed(2) || f(2)) && (!needed(3) || f(3)))

/* ---- Invariants, asserted after every step that changes a register, a blob or the phase ---- */
#define kept(k) ((joined[0] && holds(0, k)) || (joined[1] && holds(1, k)))
#define in_recovery_unit(k) holds(RECOVERY, k)

bool I1_every_blob_has_its_master_key = true;
bool I2_every_blob_is_readable = true;
bool I3_acknowledged_key_is_stored_and_readable = true;
bool I5_no_blob_under_a_third_key = true;
bool I6_recovery_unit_stays_in_step = true;
bool I7_resealed_means_all_under_to = true;
bool I8_purged_key_stays_purged = true;

inline invariants() {
#ifdef LOSS
  lost = (lost && !of_needed(held));
#endif
  I1_every_blob_has_its_master_key = (!not_lost || of_needed(kept));
  assert(I1_every_blob_has_its_master_key);
  I2_every_blob_is_readable = (!not_lost || of_needed(held));
  assert(I2_every_blob_is_readable);
  I3_acknowledged_key_is_stored_and_readable = (acknowledged <= total && (!not_lost || of_needed(held)));
  assert(I3_acknowledged_key_is_stored_and_readable);
  I5_no_blob_under_a_third_key = (rotation == None || total == blobs[from_key] + blobs[to_key]);
  assert(I5_no_blob_under_a_third_key);
  I6_recovery_unit_stays_in_step = (!recovery_in_step || of_needed(in_recovery_unit));
  assert(I6_recovery_unit_stays_in_step);
  I7_resealed_means_all_under_to = (rotation != Resealed || all_under(to_key));
  assert(I7_resealed_means_all_under_to)
}

/* ---- instances::UnitGate: held shared by what makes blobs, exclusively by frames and changes of the phase ---- */
#define may_share (frame == NoFrame)
#ifdef FAULT_CREATE_WITHOUT_GATE
#define none_creates true
#else
#define none_creates (creation == Idle)
#endif
#if defined(FAULT_RESEAL_WITHOUT_GATE) || defined(FAULT_RESEAL_GATE_FOR_COMMIT_ONLY)
#define none_reseals true
#else
#define none_reseals (reseal == Idle)
#endif
#define may_exclude (frame == NoFrame && none_creates && none_reseals)
#ifdef FAULT_CENSUS_WITHOUT_GATE
#define may_send (frame == NoFrame)
#else
#define may_send may_exclude
#endif

/* ---- All that makes a blob: creation, import, rotation of a key, import tokens ---- */
#ifdef FAULT_CREATE_DURING_RESEAL
#define may_create (total < BLOBS)
#else
#define may_create (total < BLOBS && rotation == None)
#endif
/* The common current key; where the currents differ, a key that all hold. */
#define common_current(k) ((!joined[0] || current[0] == (k)) && (!joined[1] || current[1] == (k)))
#ifdef FAULT_SEAL_UNDER_OWN_CURRENT
#define seals_under(k) ((serves(0) && current[0] == (k)) || (serves(1) && current[1] == (k)))
#else
#define seals_under(k) \
  (held(k) && (common_current(k) || !(common_current(1) || common_current(2) || common_current(3))))
#endif
inline seal(k) {
  d_step { allowed && creation == Idle && may_share && may_create && seals_under(k) ->
    spend; creation = Sealed; creation_key = k }
}

proctype Creator() {
end:
  do
  :: seal(1)
  :: seal(2)
  :: seal(3)
#ifdef FAULT_ACK_BEFORE_COMMIT
  :: d_step { creation == Sealed && acknowledged == total -> acknowledged++ }
  :: d_step { creation == Sealed && acknowledged > total ->
       blobs[creation_key]++; creation = Idle; creation_key = 0;
       invariants() }
#else
  :: d_step { creation == Sealed ->
       blobs[creation_key]++; acknowledged++; creation = Idle; creation_key = 0;
       invariants() }
#endif
  od
}

/* ---- Purges, and changes of a record that leave its blob alone ---- */
#define in_resealer(k) (reseal != Idle && reseal_under == (k) && in_hand != Purged)

inline purge(k) {
  d_step { allowed && blobs[k] > in_resealer(k) -> spend; blobs[k]--; acknowledged--; invariants() }
}

proctype Editor() {
end:
  do
  :: purge(1)
  :: purge(2)
  :: purge(3)
  :: d_step { allowed && in_resealer(reseal_under) ->
       spend; blobs[reseal_under]--; acknowledged--; in_hand = Purged;
       invariants() }
  :: d_step { allowed && reseal != Idle && in_hand == Same -> spend; in_hand = Changed }
  od
}

/* ---- keys::Resealer: works from the blobs' own patterns; nothing else remembers how far it came ---- */
#define resealing_to(k) ((rotation == Resealing && to_key == (k)) || (rotation == Reverting && from_key == (k)))
#define target (rotation == Resealing -> to_key : from_key)
#ifdef FAULT_RESEAL_WITHOUT_REVISION
#define same_revision true
#else
#define same_revision (in_hand == Same)
#endif
#ifdef FAULT_RESEAL_GATE_FOR_COMMIT_ONLY
#define may_commit_reseal (same_revision && may_share && resealing_to(reseal_target))
#else
#define may_commit_reseal same_revision
#endif

#ifdef FAULT_NO_RESUME
bool forgotten; /* the work was remembered by the server's process alone */
#define at_work (!forgotten)
#else
#define at_work true
#endif
inline take(k) {
  d_step { at_work && reseal == Idle && may_share && (rotation == Resealing || rotation == Reverting) && needed(k) && k != target &&
           held(k) && held(target) ->
    reseal = Sealed; reseal_under = k; reseal_target = target; in_hand = Same }
}
inline drop_reseal() {
  reseal = Idle; reseal_under = 0; reseal_target = 0; in_hand = Same
}

proctype Resealer() {
end:
  do
  :: take(1)
  :: take(2)
  :: take(3)
  :: d_step { reseal == Sealed && may_commit_reseal ->
       I8_purged_key_stays_purged = (in_hand != Purged);
       assert(I8_purged_key_stays_purged);
       blobs[reseal_under]--; blobs[reseal_target]++;
       drop_reseal();
       invariants() }
  :: d_step { reseal == Sealed && (in_hand != Same || !resealing_to(reseal_target)) -> drop_reseal() } /* reads again */
  od
}

/* ---- The server's own steps, each one commit of the instance record under the exclusive gate ---- */
#define unit_ready(u, f, t) (!joined[u] || (current[u] == (f) && pending[u] == (t) && committed[u]))
#define units_ready(f, t) (unit_ready(0, f, t) && unit_ready(1, f, t))
#ifdef FAULT_EMPTY_UNIT_BLOCKS
#define unit_switched(u) (!joined[u] || current[u] == to_key)
#else
#define unit_switched(u) (!serves(u) || current[u] == to_key)
#endif
/* A recovery unit that has today's key must have tomorrow's: else its copy would soon be worth nothing. */
#ifdef FAULT_BEGIN_WITHOUT_RECOVERY_UNIT
#define recovery_ready(f, t) true
#else
#define recovery_ready(f, t) \
  (!holds(RECOVERY, f) || (current[RECOVERY] == (f) && pending[RECOVERY] == (t) && committed[RECOVERY]))
#endif
#ifdef FAULT_BEGIN_DESPITE_THIRD_KEY
#define may_begin(f, t) (units_ready(f, t) && recovery_ready(f, t))
#else
#ifdef FAULT_BEGIN_BEFORE_ALL_COMMITTED
#define may_begin(f, t) (common_current(f) && (pending[0] == (t) || pending[1] == (t)))
#else
/* Blobs under a third key, which units that lost theirs have not got back, stop it. */
#define may_begin(f, t) (units_ready(f, t) && recovery_ready(f, t) && total == blobs[f] + blobs[t])
#endif
#endif
#ifdef FAULT_ABANDON_AFTER_SWITCH
#define may_abandon true
#else
#ifdef FAULT_ABANDON_AFTER_RECOVERY_SWITCH
#define may_abandon units_ready(from_key, to_key)
#else
#define may_abandon (units_ready(from_key, to_key) && current[RECOVERY] != to_key)
#endif
#endif

/* WITNESS_...: that the model does get there, with all blobs and units; Spin must find that "never" is wrong. */
#ifdef WITNESS_ROTATED
#define witness_ROTATED W1_never_rotated = (total < BLOBS || !all_there); assert(W1_never_rotated)
bool W1_never_rotated = true;
#else
#define witness_ROTATED skip
#endif
#ifdef WITNESS_REVERTED
#define witness_REVERTED W2_never_reverted = (total < BLOBS || !all_there); assert(W2_never_reverted)
bool W2_never_reverted = true;
#else
#define witness_REVERTED skip
#endif
#ifdef WITH_RECOVERY_UNIT
#define all_there (serves(0) && recovery_in_step)
#else
#define all_there (serves(0) && serves(1))
#endif
#define witness(what) witness_##what

inline begin(f, t) {
  d_step { allowed && rotation == None && may_exclude && may_begin(f, t) ->
    spend; rotation = Resealing; from_key = f; to_key = t;
    recovery_in_step = holds(RECOVERY, f);
    invariants() }
}
inline to_none() {
  rotation = None; from_key = 0; to_key = 0; recovery_in_step = false
}

proctype Server() {
end:
  do
  :: begin(1, 2)
  :: begin(1, 3)
  :: begin(2, 1)
  :: begin(2, 3)
  :: begin(3, 1)
  :: begin(3, 2)
  :: d_step { allowed && (rotation == Resealing || rotation == Resealed) && may_exclude && may_abandon ->
       spend; rotation = Reverting;
       invariants() }
  :: d_step { rotation == Resealing && may_exclude && all_under(to_key) -> rotation = Resealed; invariants() }
  :: d_step { rotation == Reverting && may_exclude && all_under(from_key) -> witness(REVERTED); to_none(); invariants() }
  :: d_step { rotation == Resealed && may_exclude && unit_switched(0) && unit_switched(1) ->
       witness(ROTATED); to_none();
       invariants() }
  od
}

/* ---- Frames that can lose a key: what the server demands before it passes one on ---- */
#ifdef FAULT_FINALIZE_WITHOUT_CENSUS
#define finalize_census(u) true
#else
#define finalize_census(u) all_under(pending[u])
#endif
#ifdef FAULT_FINALIZE_DURING_RESEAL
#define finalize_phase(u) (rotation != Reverting && (rotation != Resealed || pending[u] == to_key))
#else
#ifdef FAULT_FINALIZE_DURING_REVERT
#define finalize_phase(u) (rotation != Resealing && (rotation != Resealed || pending[u] == to_key))
#else
#ifdef FAULT_FINALIZE_ANOTHER_KEY
#define finalize_phase(u) (rotation == None || rotation == Resealed)
#else
#define finalize_phase(u) (rotation == None || (rotation == Resealed && pending[u] == to_key))
#endif
#endif
#endif
/* Units that lost their keys during a rotation get them back one after the other: an empty register gives up nothing. */
#define gets_back(u) ((rotation == Resealing || rotation == Reverting) && (pending[u] == from_key || pending[u] == to_key) && \
                      current[u] == 0 && !serves(0) && !serves(1))
#define may_finalize(u) \
  (pending[u] != 0 && committed[u] && ((finalize_census(u) && finalize_phase(u)) || gets_back(u)))

/* Whether the instance can do without the unit: nothing is stored, or another unit serves with all that is needed. */
#define other_serves(u) ((u != 0 && serves(0) && of_needed(in_unit_0)) || (u != 1 && serves(1) && of_needed(in_unit_1)))
#define in_unit_0(k) holds(0, k)
#define in_unit_1(k) holds(1, k)

#ifdef FAULT_CLEAR_CURRENT_DURING_ROTATION
#define clear_current_phase true
#else
#define clear_current_phase (rotation == None)
#endif
#ifdef LOSS
#define may_clear_current(u) (current[u] != 0 && clear_current_phase)
#else
#ifdef FAULT_CLEAR_CURRENT_OF_LAST_UNIT
#define may_clear_current(u) (current[u] != 0 && clear_current_phase && !needed(current[u]))
#else
#define may_clear_current(u) \
  (current[u] != 0 && clear_current_phase && !needed(current[u]) && (total == 0 || other_serves(u)))
#endif
#endif

#ifdef FAULT_CLEAR_PENDING_DURING_RESEAL
#define clear_pending_phase(u) true
#else
#ifdef FAULT_CLEAR_PENDING_OF_RECOVERY_UNIT
#define clear_pending_phase(u) (rotation == None || u == RECOVERY)
#else
#define clear_pending_phase(u) (rotation == None)
#endif
#endif
#ifdef FAULT_CLEAR_PENDING_WITHOUT_CENSUS
#define may_clear_pending(u) (pending[u] != 0 && clear_pending_phase(u))
#else
#define may_clear_pending(u) (pending[u] != 0 && clear_pending_phase(u) && !needed(pending[u]))
#endif

#define not_in(u, k) (!(needed(k) && holds(u, k)))
#define nothing_needed_in(u) (not_in(u, 1) && not_in(u, 2) && not_in(u, 3))
#if defined(FAULT_ZEROIZE_LAST_HOLDER) || defined(LOSS)
#define may_zeroize(u) true
#else
#define may_zeroize(u) (nothing_needed_in(u) || other_serves(u))
#endif

/* ---- The units: what a frame does. Membership changes in the same write (unit::DomainTable). ---- */
#ifdef FAULT_KEEP_ZEROIZED_UNIT
#define leaves(u, other) false
#else
#define leaves(u, other) (joined[u] && current[u] == 0 && serves(other))
#endif
inline settle(u, other) {
  if
  :: leaves(u, other) -> joined[u] = false
  :: !joined[u] && serves(other) && current[u] == current[other] -> joined[u] = true
  :: else -> skip
  fi
}
inline take_frame(u) {
  if
  :: frame == SetImmediate && committed[u] -> current[u] = pending[u]; pending[u] = 0; committed[u] = false
  :: frame == ClearCurrent -> current[u] = 0
  :: frame == ClearPending -> pending[u] = 0; committed[u] = false
  :: frame == Zeroize ->
       current[u] = 0; pending[u] = 0; committed[u] = false;
       recovery_in_step = (recovery_in_step && u != RECOVERY)
  :: else -> skip
  fi;
  settle(0, 1);
  settle(1, 0);
  frame = NoFrame; frame_unit = 0
}

#ifdef FAULT_LATE_FRAME
mtype:command late = NoFrame; /* of a server that is no more */
byte late_unit;
#endif

#ifdef LOSS
#define note_loss lost = (lost || !of_needed(held))
#else
#define note_loss skip
#endif

proctype Unit() {
end:
  do
#ifdef FAULT_LATE_FRAME
  :: d_step { late != NoFrame && frame == NoFrame ->
       frame = late; frame_unit = late_unit; late = NoFrame; late_unit = 0;
       take_frame(frame_unit);
       invariants() }
#endif
  :: d_step { frame != NoFrame -> take_frame(frame_unit); note_loss; invariants() }
#ifdef FAULT_ACK_BEFORE_SAVE
  :: d_step { unsaved[0] -> unsaved[0] = false }
  :: d_step { unsaved[1] -> unsaved[1] = false }
#endif
  od
}

/* ---- The tool and whoever uses it: any step at any time. Loading stands for key parts, a copy from the recovery unit,
 * and the recovery unit's random key alike. ---- */
/* Keys that nothing names are alike: of these only the lowest is ever loaded. */
#define in_register(k) (current[0] == k || current[1] == k || current[2] == k || \
                        pending[0] == k || pending[1] == k || pending[2] == k)
#define named(k) (in_register(k) || needed(k) || from_key == k || to_key == k || creation_key == k || \
                  (reseal == Sealed && (reseal_under == k || reseal_target == k)))
#define loadable(k) (named(k) || k == 1 || (named(1) && (k == 2 || named(2))))
#ifdef FAULT_RANDOM_OVER_FULL_PENDING
#define may_load(u) true
#else
#define may_load(u) (pending[u] == 0)
#endif
inline load(u, k) {
  d_step { allowed && may_load(u) && current[u] != k && loadable(k) ->
    spend; pending[u] = k; committed[u] = false; note_unsaved(u);
    invariants() }
}
inline ceremony(u) {
  if
  :: load(u, 1)
  :: load(u, 2)
  :: load(u, 3)
  :: d_step { allowed && pending[u] != 0 && !committed[u] ->
       spend; committed[u] = true; note_unsaved(u);
       invariants() }
  :: d_step { allowed && may_send && may_finalize(u) -> spend; frame = SetImmediate; frame_unit = u }
  :: d_step { allowed && may_send && may_clear_current(u) -> spend; frame = ClearCurrent; frame_unit = u }
  :: d_step { allowed && may_send && may_clear_pending(u) -> spend; frame = ClearPending; frame_unit = u }
  :: d_step { allowed && may_send && may_zeroize(u) -> spend; frame = Zeroize; frame_unit = u }
  fi
}

proctype Tool() {
end:
  do
  :: ceremony(0)
#ifndef ONE_OPERATIONAL
  :: ceremony(1)
#endif
#ifdef WITH_RECOVERY_UNIT
  :: ceremony(RECOVERY)
#endif
  od
}

/* ---- Crashes ---- */
inline crash_creation() { creation = Idle; creation_key = 0 }
inline crash_frame() { frame = NoFrame; frame_unit = 0 }
/* A frame dies with the server that sent it, for its units' process dies before another gets the state file's lock. */
#ifdef FAULT_LATE_FRAME
#define drop_frame() late = frame; late_unit = frame_unit; crash_frame()
#else
#define drop_frame() crash_frame()
#endif

#ifdef FAULT_NO_RESUME
#define forget_rotation forgotten = true
#else
#define forget_rotation skip
#endif

proctype Crash() {
end:
  do
  :: d_step { allowed && (creation != Idle || reseal != Idle || frame != NoFrame) -> /* the server; its units end with it */
       spend; crash_creation(); drop_reseal(); drop_frame(); forget_rotation }
  :: d_step { allowed && creation != Idle -> spend; crash_creation() } /* a unit that ends before it acts, or refuses */
  :: d_step { allowed && reseal != Idle -> spend; drop_reseal() }
  :: d_step { allowed && frame != NoFrame -> spend; crash_frame() }
#ifdef FAULT_RESUME_AS_DONE
  :: d_step { rotation == Resealing -> rotation = Resealed; invariants() }
#endif
#ifdef FAULT_ACK_BEFORE_SAVE
  :: d_step { unsaved[0] -> unsaved[0] = false; pending[0] = 0; committed[0] = false; invariants() }
  :: d_step { unsaved[1] -> unsaved[1] = false; pending[1] = 0; committed[1] = false; invariants() }
#endif
  od
}

#ifdef LIVENESS
/* I4: a begun rotation ends, if the tool keeps on sending what is left to send. */
#define may_switch(u) (rotation == Resealed && may_send && may_finalize(u))

proctype Finalizer(byte u) {
end:
  do
  :: d_step { u == 0 && may_switch(0) -> frame = SetImmediate; frame_unit = 0 }
  :: d_step { u == 1 && may_switch(1) -> frame = SetImmediate; frame_unit = 1 }
  od
}
ltl I4_rotation_ends { [] (rotation != None -> <> (rotation == None)) }
#endif

init {
  atomic {
    joined[0] = true;
#ifndef ONE_OPERATIONAL
    joined[1] = true;
#endif
#ifdef LIVENESS
    current[0] = 1; pending[0] = 2; committed[0] = true;
    current[1] = 1; pending[1] = 2; committed[1] = true;
    blobs[1] = BLOBS; acknowledged = BLOBS;
    run Finalizer(0); run Finalizer(1);
#else
    if
    :: true -> skip /* units as delivered */
    :: true -> current[0] = 1;
#ifndef ONE_OPERATIONAL
       current[1] = 1;
#endif
#ifdef WITH_RECOVERY_UNIT
       current[RECOVERY] = 1
#endif
    fi;
#endif
    run Creator(); run Editor(); run Resealer(); run Server(); run Unit(); run Tool(); run Crash()
  }
}
