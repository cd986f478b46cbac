// A key as people and programs see it.
#pragma once

#include <boost/json/fwd.hpp>

#include "base/result.h"
#include "client/types.h"

namespace keyhaven::cli {

class Context;

// Metadata only: never the payload.
boost::json::object key_json(const client::Key& key);
Result<void> show_key(Context& context, const client::Key& key);

}  // namespace keyhaven::cli
