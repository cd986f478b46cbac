#include "http/router.h"

#include <array>
#include <forward_list>

#include "base/bytes.h"
#include "base/result.h"

namespace keyhaven::http {
namespace {

constexpr std::array<std::pair<Method, std::string_view>, 6> kMethods = {{
    {Method::Get, "GET"},
    {Method::Head, "HEAD"},
    {Method::Post, "POST"},
    {Method::Put, "PUT"},
    {Method::Patch, "PATCH"},
    {Method::Delete, "DELETE"},
}};

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_rest(std::string_view segment) noexcept {
  return segment.starts_with('{') && segment.ends_with("*}");
}
bool is_param(std::string_view segment) noexcept {
  return segment.starts_with('{') && segment.ends_with('}') && !is_rest(segment);
}

// Calls `visit` with each non-empty segment, still encoded, until it returns false.
template <class Visit>
void each_segment(std::string_view path, Visit visit) {
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (!segment.empty() && !visit(segment)) return;
    if (slash == std::string_view::npos) return;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

std::string_view name_of(Method method) noexcept {
  for (const auto& [value, name] : kMethods) {
    if (value == method) return name;
  }
  fatal(__FILE__, __LINE__, "unknown Method");
}

std::optional<Method> parse_method(std::string_view token) noexcept {
  for (const auto& [method, name] : kMethods) {
    if (name == token) return method;
  }
  return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += c == '+' && plus == Plus::Blank ? ' ' : c;
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      out.append("%").append(to_hex_upper({&byte, 1}));
    }
  }
  return out;
}

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> param;
  std::unique_ptr<Node> rest;     // takes all that is left; a leaf
  std::vector<std::size_t> rows;  // of routes_
};

// The decoded segments of a path; those without an escape, that is nearly all, are not copied.
struct Router::Segments {
  // False: too many segments, or a broken escape.
  bool take(std::string_view path) {
    bool good = true;
    each_segment(path, [&](std::string_view raw) {
      good = count < kMaxPathSegments && decode(raw);
      return good;
    });
    return good;
  }

  std::array<std::string_view, kMaxPathSegments> at;
  std::size_t count = 0;

 private:
  bool decode(std::string_view raw) {
    if (raw.find('%') != std::string_view::npos) {
      auto decoded = percent_decode(raw, Plus::Literal);
      if (!decoded) return false;
      raw = decoded_.emplace_front(*std::move(decoded));
    }
    at[count++] = raw;
    return true;
  }
  std::forward_list<std::string> decoded_;  // a list: views into it stay valid
};

Router::Router() : root_(std::make_unique<Node>()) {}
Router::~Router() = default;

void Router::add(Route route) {
  KH_ASSERT(static_cast<bool>(route.blocking) != static_cast<bool>(route.on_loop));
  Node* node = root_.get();
  std::size_t count = 0;
  each_segment(route.pattern, [&](std::string_view segment) {
    auto& child = is_rest(segment)    ? node->rest
                  : is_param(segment) ? node->param
                                      : node->literals[std::string(segment)];
    if (!child) child = std::make_unique<Node>();
    node = child.get();
    ++count;
    return true;
  });
  KH_ASSERT(count <= kMaxPathSegments);
  for (const std::size_t row : node->rows) {
    KH_ASSERT(routes_[row].method != route.method ||
              routes_[row].legacy_action != route.legacy_action);
  }
  node->rows.push_back(routes_.size());
  routes_.push_back(std::move(route));
}

// Literals first; falls back to the parameter when the literal leads nowhere, then to the rest.
// Depth is bounded by kMaxPathSegments.
const Router::Node* Router::descend(const Node& node, const Segments& segments,
                                    std::size_t depth) const {
  if (depth == segments.count) return node.rows.empty() ? nullptr : &node;
  if (const auto literal = node.literals.find(segments.at[depth]); literal != node.literals.end()) {
    if (const Node* found = descend(*literal->second, segments, depth + 1)) return found;
  }
  if (node.param) {
    if (const Node* found = descend(*node.param, segments, depth + 1)) return found;
  }
  return node.rest.get();
}

const Route* Router::choose(const Node& node, Method method,
                            const std::optional<std::string>& legacy_action) const {
  const Route* fallback = nullptr;
  for (const std::size_t row : node.rows) {
    const Route& route = routes_[row];
    if (route.method != method) continue;
    if (route.legacy_action.empty()) {
      fallback = &route;
    } else if (legacy_action && route.legacy_action == *legacy_action) {
      return &route;
    }
  }
  return fallback;
}

Router::Match Router::match(std::string_view method, std::string_view raw_path,
                            const std::optional<std::string>& legacy_action) const {
  Match out;
  Segments segments;
  if (!segments.take(raw_path)) return out;
  const Node* node = descend(*root_, segments, 0);
  if (node == nullptr) return out;
  const auto parsed = parse_method(method);
  out.route = parsed ? choose(*node, *parsed, legacy_action) : nullptr;
  if (out.route == nullptr) {
    out.path_known = true;
    for (const auto& [allowed, name] : kMethods) {
      if (choose(*node, allowed, legacy_action) == nullptr) continue;
      if (!out.allow.empty()) out.allow += ", ";
      out.allow += name;
    }
    return out;
  }
  std::size_t i = 0;
  each_segment(out.route->pattern, [&](std::string_view pattern) {
    if (is_param(pattern)) {
      out.params.emplace_back(pattern.substr(1, pattern.size() - 2), segments.at[i]);
    }
    ++i;
    return true;
  });
  return out;
}

}  // namespace keyhaven::http
