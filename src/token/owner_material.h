// Keys of their owner that a token lets out, on one session. Token (token.h) documents sizes and
// errors. Internal to token/.
#pragma once

#include "token/objects.h"

namespace keyhaven::token {

Result<SecretBytes> take_out(Session& session, const KeyName& name);

}  // namespace keyhaven::token
