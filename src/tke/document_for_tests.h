// Reads the worked examples out of docs/protocols, so that a document that goes stale fails a test.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/file.h"

namespace keyhaven::tke {

// The values of the ```example block of a document: "name: hex", or "name:" with indented lines of
// hex below.
class DocumentExample {
 public:
  // `source_dir` is the root of the tree, `name` a file of docs/protocols. Stops the test program
  // when unreadable.
  DocumentExample(const std::string& source_dir, const std::string& name) {
    auto file = read_file(source_dir + "/docs/protocols/" + name, 1 << 20);
    KH_ASSERT(file.has_value());
    text_ = std::string(as_text(*file));
    std::string_view block = fenced("example");
    std::string current;
    while (!block.empty()) {
      const std::string_view line = cut_line(block);
      if (line.substr(0, 2) == "  ") {
        values_[current] += line.substr(2);
        continue;
      }
      const std::size_t colon = line.find(':');
      KH_ASSERT(colon != std::string_view::npos);
      current = std::string(line.substr(0, colon));
      values_[current] = std::string(line.substr(std::min(colon + 2, line.size())));
    }
  }

  Bytes bytes(const std::string& name) const {
    KH_ASSERT(values_.count(name) == 1);
    auto out = from_hex(values_.at(name));
    KH_ASSERT(out.has_value());
    return std::move(out).value();
  }

  // "name = text" lines of the ```frames block.
  std::map<std::string, std::string> frames() const {
    std::map<std::string, std::string> out;
    std::string_view block = fenced("frames");
    while (!block.empty()) {
      const std::string_view line = cut_line(block);
      const std::size_t at = line.find(" = ");
      KH_ASSERT(at != std::string_view::npos);
      out[std::string(line.substr(0, at))] = std::string(line.substr(at + 3));
    }
    return out;
  }

 private:
  std::string_view fenced(const std::string& label) const {
    const std::string_view text = text_;
    const std::string opening = "```" + label + "\n";
    const std::size_t start = text.find(opening);
    KH_ASSERT(start != std::string_view::npos);
    const std::string_view rest = text.substr(start + opening.size());
    return rest.substr(0, rest.find("```"));
  }
  static std::string_view cut_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
  }

  std::string text_;
  std::map<std::string, std::string> values_;
};

}  // namespace keyhaven::tke
