// Finds the route of a request: a tree over path segments in which a literal wins over a parameter.
//
// Segments are percent-decoded once, after splitting, so %2F stays inside its segment. Empty
// segments do not count: a trailing or doubled slash is tolerated, because a base URL ending in '/'
// makes naive clients send "//api/v2/…".
//
// A last segment {name*} takes the rest of the path, one segment or more; any other row wins over
// it. It is no parameter: the handler reads the path of its request.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/route.h"

namespace keyhaven::http {

inline constexpr std::size_t kMaxPathSegments = 16;

// Percent-decodes; with `plus_is_blank` a '+' is a blank (queries). Nothing for a broken escape.
enum class Plus : std::uint8_t { Literal, Blank };
std::optional<std::string> percent_decode(std::string_view text, Plus plus);

// Percent-encodes all but letters, digits, '-' and '_'.
std::string percent_encode(std::string_view text);

std::optional<Method> parse_method(std::string_view token) noexcept;

class Router {
 public:
  Router();
  ~Router();

  // Fatal for a second row of the same method, pattern and legacy action.
  void add(Route route);
  const Routes& routes() const noexcept { return routes_; }

  struct Match {
    const Route* route = nullptr;  // null: see path_known
    bool path_known = false;       // the path exists for other methods: 405
    std::string allow;             // then: value of the Allow header
    std::vector<std::pair<std::string_view, std::string>> params;
  };
  // `legacy_action` is the value of the query parameter "action", if there is one.
  Match match(std::string_view method, std::string_view raw_path,
              const std::optional<std::string>& legacy_action) const;

 private:
  struct Node;
  struct Segments;
  const Node* descend(const Node& node, const Segments& segments, std::size_t depth) const;
  const Route* choose(const Node& node, Method method,
                      const std::optional<std::string>& legacy_action) const;

  Routes routes_;
  std::unique_ptr<Node> root_;
};

}  // namespace keyhaven::http
