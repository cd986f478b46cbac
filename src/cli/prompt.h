// Questions to the person at the terminal.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::cli {

class Prompt {
 public:
  virtual ~Prompt() = default;
  // Whether anybody can answer; when not, the two questions fail.
  virtual bool interactive() const = 0;
  // One line without its end. Errors: InvalidArgument when nobody can answer or the input ended.
  virtual Result<std::string> line(std::string_view question) = 0;
  // The same without echo, at most 1024 bytes, straight into secret memory.
  virtual Result<SecretBytes> secret(std::string_view question) = 0;
};

// The process's controlling terminal (/dev/tty), so that questions work with redirected input and
// output.
std::unique_ptr<Prompt> terminal_prompt();

// "yes" or "y" is yes, everything else no. Errors: as Prompt::line.
Result<bool> confirm(Prompt& prompt, std::string_view question);

}  // namespace keyhaven::cli
