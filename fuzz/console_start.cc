// The body that exchanges the start token of a local console for its session.
#include "base/clock.h"
#include "console/local_session.h"
#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto token = console::start_token_of(in);
  KH_ASSERT(!token || in.size() <= console::kMaxStartBody);
  static const ManualClock clock(Timestamp::from_seconds(1'800'000'000));
  static console::LocalSession session(clock, 4000);
  if (token) KH_ASSERT(!session.start(*token));
}
