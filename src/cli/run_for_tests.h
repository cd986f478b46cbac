// Runs the program in process, with streams, answers and environment of the test's own.
#pragma once

#include <deque>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "cli/app.h"
#include "cli/context.h"
#include "crypto/random.h"

namespace keyhaven::cli {

// Answers from a script; not interactive when it was made without one.
class ScriptedPrompt final : public Prompt {
 public:
  ScriptedPrompt() = default;
  explicit ScriptedPrompt(std::deque<std::string> answers)
      : answers_(std::move(answers)), interactive_(true) {}
  bool interactive() const override { return interactive_; }
  Result<std::string> line(std::string_view question) override {
    asked += std::string(question) + '\n';
    if (answers_.empty())
      return Error{Reason::InvalidArgument, "the script has no more answers", {}};
    std::string answer = answers_.front();
    answers_.pop_front();
    return answer;
  }
  Result<SecretBytes> secret(std::string_view question) override {
    const std::string answer = KH_TRY(line(question));
    return SecretBytes::copy_of(std::string_view(answer));
  }
  std::string asked;

 private:
  std::deque<std::string> answers_;
  bool interactive_ = false;
};

struct Ran {
  int status = 0;
  std::string out;
  std::string err;
  std::string asked;
};

// A directory that goes away with it.
class TemporaryDirectory {
 public:
  TemporaryDirectory()
      : path_((std::filesystem::temp_directory_path() / ("kh-cli-" + crypto::random_uuid().text()))
                  .string()) {
    std::filesystem::create_directory(path_);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const noexcept { return path_; }
  std::string write(const std::string& name, const std::string& content) const {
    const std::string file = path_ + '/' + name;
    std::ofstream(file) << content;
    return file;
  }

 private:
  std::string path_;
};

using UnitServiceFactory = std::function<Result<std::unique_ptr<UnitService>>()>;

inline Ran run_program(const std::vector<std::string>& arguments, Environment environment = {},
                       ScriptedPrompt prompt = {}, UnitServiceFactory factory = {},
                       const std::string& input = {}) {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  Context context(in, out, err, prompt, std::move(environment));
  context.unit_service_factory = std::move(factory);
  Ran ran;
  ran.status = run(context, arguments);
  ran.out = out.str();
  ran.err = err.str();
  ran.asked = prompt.asked;
  return ran;
}

}  // namespace keyhaven::cli
