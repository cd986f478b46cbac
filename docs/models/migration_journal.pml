/*
 * The journal of a migration: `keyhaven migrate apply` makes a key and imports a second version of it; `cutover` and its
 * undo set and unset a state of the source (a key is disabled, an intent is there). The tool dies between any two steps,
 * acts are lost on the way there and answers on the way back, and people run the commands in any order.
 *
 * What it shows: when all that ends, one more run of each command leaves one key (never two, never none) with its two
 * versions and without the temporary alias, the state set, and after undo as it was before the migration.
 * docs/models/README.md says what each name is in the code. Each FAULT_... removes one rule; Spin must then find a
 * violation (./run-tests models).
 */

#ifndef RUNS
#define RUNS 4 /* that may die, before the calm ones */
#endif

mtype:command = { Apply, Cutover, Undo };
mtype:step = { None, Begun, Done };
mtype:result = { NoResult, ByUs, WasSo, Undone };

/* ---- Durable: the journal ---- */
mtype:step create = None, version = None, release = None;
byte target;                      /* detail of create: 0, or the key */
bool act_begun;                   /* an intent (to set or to unset) without a result */
mtype:result act_result = NoResult;

/* ---- Durable: the two services ---- */
byte keys;     /* that the target has of this source key */
byte alias_of; /* the key that holds the temporary alias, 0: none */
byte versions; /* of the first key */
bool is_set;   /* the state of the source */
bool was_set;  /* as it was before the migration */

/* ---- The person, and the run at work ---- */
mtype:command order = Apply;
bool running, succeeded, calm;

/* ---- The invariants, for assert to print ---- */
bool I1_one_key, I2_both_versions, I3_no_alias_is_left, I4_a_calm_run_succeeds, I5_is_set, I6_as_before;
bool W1_never_undone, W2_never_left_alone;

/* The tool dies here, or not. Everything that is not durable is a local variable of its process. */
#define may_die if :: !calm -> goto dead :: true fi

/* What becomes of an act: it has its effect or not, and an answer comes or not. A refusal is an answer. */
#define act_on(effect) \
  if \
  :: d_step { effect; heard = true } \
  :: d_step { !calm -> effect; heard = false } \
  :: d_step { !calm -> heard = false } \
  fi

/* Aliases are unique, and set in the same transaction as the key: a second create is refused. */
#ifdef FAULT_CREATE_WITHOUT_ALIAS
#define make_key keys++; versions = 1; made = keys
#else
#define make_key if :: alias_of == 0 -> keys++; alias_of = keys; versions = 1; made = keys :: else -> made = 0 fi
#endif

proctype Run() {
  byte made, found;
  bool heard;

  if
  :: order == Apply
  :: order == Cutover -> if :: release == Done -> goto cut :: else -> goto dead fi
  :: order == Undo -> goto undo
  fi;

  /* --- create: look by the alias, and again when the create was refused or not heard of --- */
  if
  :: create == Done -> goto import
  :: create == Begun && alias_of != 0 -> found = alias_of; goto journalled
  :: create == Begun && alias_of == 0
  :: create == None -> may_die; create = Begun
  fi;
  may_die;
  act_on(make_key);
  if
  :: heard && made != 0 -> found = made
  :: else -> if :: alias_of != 0 -> found = alias_of :: else -> goto dead fi
  fi;
#ifdef FAULT_RELEASE_BEFORE_RESULT
  alias_of = 0;
#endif
journalled:
  may_die;
  d_step { create = Done; target = found };

import:
  /* --- the second version: how many there are tells what is done --- */
  may_die;
  if
  :: version == Done -> goto let_go
#ifdef FAULT_REPEAT_ROTATION
  :: version == Begun
#else
  :: version == Begun && versions == 2 -> goto imported
  :: version == Begun && versions != 2
#endif
#ifdef FAULT_ROTATE_BEFORE_INTENT
  :: version == None && versions == 2 -> goto dead /* somebody else has rotated it, for all that we know */
  :: version == None && versions != 2
#else
  :: version == None -> version = Begun
#endif
  fi;
  may_die;
  act_on(versions++);
  if :: !heard && versions < 2 -> goto dead :: else fi;
#ifdef FAULT_ROTATE_BEFORE_INTENT
  may_die;
#endif
imported:
  may_die;
  version = Done;

let_go:
  /* --- the temporary alias --- */
  may_die;
  if
  :: release == Done -> goto done
  :: release == Begun
  :: release == None -> release = Begun
  fi;
  may_die;
  if :: alias_of == target -> act_on(alias_of = 0) :: else -> heard = true fi;
  if :: alias_of == target -> goto dead :: else fi;
  may_die;
  release = Done;
  goto done;

cut:
  /* --- set the state, unless it is set already by somebody else --- */
  may_die;
  if
  :: !act_begun && (act_result == ByUs || act_result == WasSo) -> goto done
#ifndef FAULT_SET_WITHOUT_LOOK
  :: !act_begun && (act_result == NoResult || act_result == Undone) && is_set -> act_result = WasSo; goto done
#endif
  :: else
  fi;
  may_die;
#ifdef FAULT_SET_BEFORE_INTENT
  act_on(is_set = true);
  may_die;
#endif
  d_step { act_begun = true; act_result = NoResult };
  may_die;
  if :: !is_set -> act_on(is_set = true) :: else -> heard = true fi;
  if :: !is_set -> goto dead :: else fi;
  may_die;
  d_step { act_begun = false; act_result = ByUs };
  goto done;

undo:
  may_die;
  if :: !act_begun && act_result != ByUs -> goto done :: else fi;
#ifdef FAULT_UNSET_BEFORE_INTENT
  act_on(is_set = false);
  may_die;
#endif
  d_step { act_begun = true; act_result = NoResult };
  may_die;
  if :: is_set -> act_on(is_set = false) :: else -> heard = true fi;
  if :: is_set -> goto dead :: else fi;
  may_die;
  d_step { act_begun = false; act_result = Undone };

done:
  succeeded = true;
dead:
  running = false
}

#define run_now(command) \
  d_step { succeeded = false; running = true; order = command }; \
  run Run(); \
  !running

init {
  byte runs = RUNS;
  if :: was_set = true :: was_set = false fi;
  is_set = was_set;
  do
  :: runs > 0 -> runs--; run_now(Apply)
  :: runs > 0 -> runs--; run_now(Cutover)
  :: runs > 0 -> runs--; run_now(Undo)
  :: true -> break
  od;
  calm = true;
  run_now(Apply);
  I4_a_calm_run_succeeds = succeeded;
  assert(I4_a_calm_run_succeeds);
  I1_one_key = (keys == 1);
  assert(I1_one_key);
  I2_both_versions = (versions == 2);
  assert(I2_both_versions);
  I3_no_alias_is_left = (alias_of == 0);
  assert(I3_no_alias_is_left);
  run_now(Cutover);
  I4_a_calm_run_succeeds = succeeded;
  assert(I4_a_calm_run_succeeds);
  I5_is_set = is_set;
  assert(I5_is_set);
  run_now(Undo);
  I4_a_calm_run_succeeds = succeeded;
  assert(I4_a_calm_run_succeeds);
  I6_as_before = (is_set == was_set);
  assert(I6_as_before);
#ifdef WITNESS_UNDONE
  W1_never_undone = was_set;
  assert(W1_never_undone);
#endif
#ifdef WITNESS_LEFT_ALONE
  W2_never_left_alone = !was_set;
  assert(W2_never_left_alone);
#endif
}
