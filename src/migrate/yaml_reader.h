// Reading YAML that people edit: every member is known, of its type, there once; mistakes come with
// their line.
#pragma once

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace keyhaven::migrate {

// Reads members of a map and remembers the first mistake; a member that nobody asked for is a
// mistake too.
class MapReader {
 public:
  MapReader(const YAML::Node& node, std::string where) : node_(node), where_(std::move(where)) {
    if (!node_.IsDefined() || !node_.IsMap()) fail("must be a map");
  }
  template <class T>
  void value(const char* name, T& out) {
    seen_.emplace_back(name);
    if (!ok() || !node_[name]) return;
    try {
      out = node_[name].template as<T>();
    } catch (const YAML::Exception&) {
      fail(std::string(name) + " has the wrong type");
    }
  }
  void name(std::string where) { where_ = std::move(where); }
  YAML::Node child(const char* name) {
    seen_.emplace_back(name);
    return ok() ? node_[name] : YAML::Node();
  }
  void fail(const std::string& what) {
    if (!ok()) return;
    problem_ = where_ + ": " + what;
    if (node_.IsDefined()) {
      problem_ = "line " + std::to_string(node_.Mark().line + 1) + ": " + problem_;
    }
  }
  // Finishes a reader of a part and keeps its mistake.
  void adopt(MapReader& part) {
    const auto finished = part.finish();
    if (!finished && ok()) problem_ = where_ + ": " + finished.error().message;
  }
  bool ok() const noexcept { return problem_.empty(); }
  Result<void> finish() {
    if (ok()) {
      std::set<std::string> names;
      for (const auto& member : node_) {
        const std::string name = member.first.as<std::string>("");
        if (!names.insert(name).second) fail("member " + name + " is there twice");
        if (std::find(seen_.begin(), seen_.end(), name) == seen_.end())
          fail("unknown member " + name);
      }
    }
    if (!ok()) return Error{Reason::InvalidArgument, problem_, {}};
    return {};
  }

 private:
  YAML::Node node_;
  std::string where_;
  std::string problem_;
  std::vector<std::string> seen_;
};

inline void emit_list(YAML::Emitter& out, const char* name,
                      const std::vector<std::string>& values) {
  if (values.empty()) return;
  out << YAML::Key << name << YAML::Value << YAML::BeginSeq;
  for (const std::string& value : values) out << YAML::DoubleQuoted << value;
  out << YAML::EndSeq;
}

inline void emit_text(YAML::Emitter& out, const char* name, const std::string& value) {
  if (!value.empty()) out << YAML::Key << name << YAML::Value << YAML::DoubleQuoted << value;
}

}  // namespace keyhaven::migrate
