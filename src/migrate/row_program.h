// The owner's own program, which is told each re-wrapped DEK and says when it is stored
// (docs/migrating.md, "A program of your own").
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace keyhaven::migrate {

// What the program says about one row.
struct RowAnswer {
  std::string refusal;  // empty: it is stored, durably
};

// Runs the program directly, without a shell: standard input and output are ours, standard error is
// the caller's; variables of the environment that begin with KH_ (they may hold an API key) are
// taken out. Not thread-safe.
class RowProgram {
 public:
  // `argv[0]` is looked up in PATH when it has no slash. `patience`: how long the program may take
  // for its next answer. Errors: Io (it cannot be started).
  static Result<RowProgram> start(const std::vector<std::string>& argv,
                                  std::chrono::milliseconds patience);
  RowProgram(RowProgram&& other) noexcept;
  RowProgram& operator=(RowProgram&&) = delete;
  ~RowProgram();  // one that still runs is killed

  // Sends the lines (JSON objects without "seq" and without line end: they get it) and waits for an
  // answer to each, in order. Errors: Conflict: it ended, answered something else, or did not
  // answer in time; it is killed then, and the rows without an answer may or may not be stored.
  Result<std::vector<RowAnswer>> tell(const std::vector<std::string>& objects);
  // Ends its input and waits for its end. Errors: Conflict (another exit status than 0, more
  // output, too late).
  Result<void> finish();

 private:
  RowProgram(pid_t pid, FileDescriptor in, FileDescriptor out, std::chrono::milliseconds patience)
      : pid_(pid), in_(std::move(in)), out_(std::move(out)), patience_(patience) {}
  enum class Turn : std::uint8_t { Line, End };
  // Writes what `pending` holds and reads until a whole line is there, or the end.
  Result<Turn> wait_for_line(std::string& pending, std::string& line);
  Result<void> write_some(std::string& pending);
  Result<bool> read_some();
  Error stop(std::string why);
  int reap(bool kill_first);
  pid_t pid_;
  FileDescriptor in_;
  FileDescriptor out_;
  std::chrono::milliseconds patience_;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  std::string buffer_;
};

// The answer in one line to row number `seq`: {"seq":N,"ok":true} or
// {"seq":N,"ok":false,"error":"why"}. Errors: InvalidArgument. Total on hostile input.
Result<RowAnswer> parse_row_answer(std::string_view line, std::uint64_t seq);

}  // namespace keyhaven::migrate
