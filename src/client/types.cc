#include "client/types.h"

#include <array>
#include <utility>

namespace keyhaven::client {
namespace {

constexpr std::array<std::pair<int, std::string_view>, 5> kStates{{{kPreActive, "pre-active"},
                                                                   {kActive, "active"},
                                                                   {kSuspended, "suspended"},
                                                                   {kDeactivated, "deactivated"},
                                                                   {kDestroyed, "destroyed"}}};

}  // namespace

std::string_view state_name(int state) noexcept {
  for (const auto& [number, name] : kStates) {
    if (number == state) return name;
  }
  return "unknown";
}

std::optional<int> state_number(std::string_view name) noexcept {
  for (const auto& [number, known] : kStates) {
    if (known == name) return number;
  }
  return std::nullopt;
}

}  // namespace keyhaven::client
