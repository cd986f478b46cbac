// A plan's text cut at its keys, so that reading it does not need all of it as a tree at a time:
// the tree of a YAML text takes ten times the text's memory, and a plan may have 50,000 keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keyhaven::migrate {

struct SplitPlan {
  std::string outline;                 // everything but the keys: "keys: []" in their place
  std::vector<std::string_view> keys;  // each a list of one entry; views into the text
};

// Of a text as `to_yaml` lays it out, whatever people changed within that layout: "keys:" alone on
// its line, each key beginning with "  - ". Nothing for any other text; it is then read as a whole.
std::optional<SplitPlan> split_plan(std::string_view text);

}  // namespace keyhaven::migrate
