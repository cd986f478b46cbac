// Checking a log from outside: every chain, every checkpoint's signature, and that every stream
// contains what the checkpoints signed.
//
// Checkpoints are read first: a stream only grows, so on a live log what is read later is at least
// as long. They are read once for themselves and once beside each stream, so memory does not grow
// with the log.
#include <algorithm>
#include <utility>

#include "audit/checkpoint.h"
#include "audit/log.h"
#include "audit/segment.h"

namespace keyhaven::audit {
namespace {

constexpr std::size_t kMaxProblems = 100;
constexpr std::uint64_t kProgressBytes = 1 << 20;

// How much was read, told to whoever asked for the check.
class Reading {
 public:
  explicit Reading(const VerifyOptions* options) : options_(options) {}

  // Errors: ShuttingDown, when the check is given up.
  Result<void> add(std::uint64_t bytes) {
    untold_ += bytes;
    if (untold_ < kProgressBytes || options_ == nullptr || !options_->go_on) return {};
    if (!options_->go_on(std::exchange(untold_, 0)))
      return Error{Reason::ShuttingDown, "the check was given up", {}};
    return {};
  }

  // Those that the server has; none when it is not it that asks.
  std::vector<std::string> streams() const {
    std::vector<std::string> names;
    if (options_ == nullptr) return names;
    for (const StreamState& state : options_->state.streams) names.push_back(state.name);
    return names;
  }

  // Where the log ends for this check; null: where its files end.
  const StreamState* end_of(std::string_view stream) const {
    if (options_ == nullptr) return nullptr;
    for (const StreamState& state : options_->state.streams) {
      if (state.name == stream) return &state;
    }
    return nullptr;
  }

 private:
  const VerifyOptions* options_;
  std::uint64_t untold_ = 0;
};

// Walks the records of a stream over its segments and says what is wrong with them.
class Walker {
 public:
  Walker(const std::string& directory, std::string name, std::vector<std::uint32_t> segments,
         Reading& reading, std::vector<std::string>& problems, std::vector<std::string>& notes)
      : directory_(directory),
        reading_(reading),
        name_(std::move(name)),
        segments_(std::move(segments)),
        problems_(problems),
        notes_(notes),
        head_(genesis(name_)),
        end_(reading.end_of(name_)) {
    if (end_ != nullptr) {  // what was begun since is for the next check
      std::erase_if(segments_, [this](std::uint32_t segment) { return segment > end_->segment; });
    }
    if (const auto gap = first_gap(segments_))
      problem("segment " + std::to_string(*gap) + " is missing");
  }

  // The next record; nothing at the end. After a record that does not hold the walk goes on from
  // what it says, so that one edit is one problem and not the end of the check.
  Result<std::optional<ParsedRecord>> next() {
    for (;;) {
      if (!reader_) {
        if (index_ == segments_.size()) return std::optional<ParsedRecord>();
        KH_TRY(open_segment());
      }
      const auto line = KH_TRY(reader_->next());
      if (line) {
        KH_TRY(reading_.add(line->size() + 1));
        const auto record = parse_record(*line);
        if (record) {
          check(*record);
          head_ = {record->seq, record->hash};
          return record;
        }
        problem("after record " + std::to_string(head_.seq) + ", " + place() + ": not a record");
        continue;
      }
      end_segment();
    }
  }

  // What the running server has written must be there, signed or not; asked at the end.
  void check_end() {
    if (end_ != nullptr && end_->head != head_)
      problem("ends at record " + std::to_string(head_.seq) +
              ", but the server wrote up to record " + std::to_string(end_->head.seq) +
              " (truncated or replaced)");
  }

  const Head& head() const noexcept { return head_; }
  const std::string& name() const noexcept { return name_; }
  std::string place() const {
    return "segment " + std::to_string(segments_[index_]) + " offset " +
           std::to_string(reader_->line_offset());
  }
  void problem(const std::string& what) {
    if (problems_.size() < kMaxProblems) problems_.push_back("stream " + name_ + ": " + what);
  }

 private:
  Result<void> open_segment() {
    const std::uint32_t segment = segments_[index_];
    const std::string path = segment_path(directory_, name_, segment);
    if (end_ != nullptr && segment == end_->segment) {
      reader_.emplace(KH_TRY(LineReader::open(path, end_->size_bytes)));
    } else {
      reader_.emplace(KH_TRY(LineReader::open(path)));
    }
    return {};
  }

  void check(const ParsedRecord& record) {
    const std::string where = "record " + std::to_string(record.seq) + ", " + place();
    if (record.seq != head_.seq + 1) {
      problem(where + ": follows record " + std::to_string(head_.seq) +
              " (records cut out, moved or put in)");
    } else if (record.prev != head_.hash) {
      problem(where + ": is not chained to the record before");
    }
    if (record.computed_hash() != record.hash)
      problem(where + ": content and hash differ (edited)");
  }

  void end_segment() {
    const std::size_t tail = reader_->tail_size();
    const bool last = index_ + 1 == segments_.size();
    const std::string what = std::to_string(tail) +
                             " bytes of an unfinished record at the end of segment " +
                             std::to_string(segments_[index_]);
    if (tail > 0 && last) notes_.push_back("stream " + name_ + ": " + what);
    if (tail > 0 && !last) problem(what);
    reader_.reset();
    ++index_;
  }

  const std::string& directory_;
  Reading& reading_;
  std::string name_;
  std::vector<std::uint32_t> segments_;
  std::vector<std::string>& problems_;
  std::vector<std::string>& notes_;
  Head head_;
  const StreamState* end_;
  std::size_t index_ = 0;
  std::optional<LineReader> reader_;
};

class Verifier {
 public:
  Verifier(const std::string& directory, ByteView public_key, const VerifyOptions* options)
      : directory_(directory), public_key_(public_key), reading_(options) {}

  Result<Verification> run() {
    lists_ = KH_TRY(list_segments(directory_));
    if (!lists_.contains(kManagementStream)) {
      return Error{Reason::Io, "no audit log in " + directory_, {}};
    }
    KH_TRY(check_checkpoints());
    // Streams may have got their first file since; those of the checkpoints must be there.
    lists_ = KH_TRY(list_segments(directory_));
    for (const auto& [name, head] : sealed_) {
      if (!lists_.contains(name))
        result_.problems.push_back("stream " + name + ": its files are gone");
    }
    for (const std::string& name : reading_.streams()) {
      if (!lists_.contains(name) && !sealed_.contains(name))
        result_.problems.push_back("stream " + name + ": its files are gone");
    }
    for (const auto& [name, segments] : lists_) {
      if (name != kCheckpointStream) KH_TRY(check_stream(name, segments));
    }
    if (result_.problems.size() == kMaxProblems) result_.problems.push_back("more problems follow");
    return std::move(result_);
  }

 private:
  Walker walk_checkpoints(std::vector<std::string>& problems) {
    const auto found = lists_.find(kCheckpointStream);
    return Walker(directory_, std::string(kCheckpointStream),
                  found == lists_.end() ? std::vector<std::uint32_t>{} : found->second, reading_,
                  problems, notes_of_first_);
  }

  Result<void> check_checkpoints() {
    Walker walker = walk_checkpoints(result_.problems);
    while (const auto record = KH_TRY(walker.next())) {
      ++result_.checkpoints;
      const std::string where = "record " + std::to_string(record->seq);
      if (!signature_holds(*record, public_key_))
        walker.problem(where + ": signature does not hold");
      const auto heads = parse_heads(record->event_json);
      if (!heads) {
        walker.problem(where + ": not a checkpoint");
        continue;
      }
      check_progress(*heads, walker, where);
      sealed_ = *heads;
    }
    walker.check_end();
    result_.notes = notes_of_first_;
    if (result_.checkpoints == 0) result_.notes.emplace_back("no checkpoint: nothing is signed");
    return {};
  }

  void check_progress(const Heads& heads, Walker& walker, const std::string& where) {
    for (const auto& [name, before] : sealed_) {
      const auto now = heads.find(name);
      if (now == heads.end() || now->second.seq < before.seq ||
          (now->second.seq == before.seq && now->second.hash != before.hash)) {
        walker.problem(where + ": stream " + name +
                       " went back or differs from the checkpoint before");
      }
    }
  }

  Result<void> check_stream(const std::string& name, const std::vector<std::uint32_t>& segments) {
    Walker walker(directory_, name, segments, reading_, result_.problems, result_.notes);
    SignedHeads signed_heads(*this, name);
    std::optional<Head> expected = KH_TRY(signed_heads.next());
    std::uint64_t sealed_seq = 0;
    while (const auto record = KH_TRY(walker.next())) {
      ++result_.records;
      if (record->signature)
        walker.problem("record " + std::to_string(record->seq) + ": signed, but no checkpoint");
      while (expected && expected->seq <= record->seq) {
        if (expected->seq < record->seq || expected->hash != record->hash) {
          walker.problem("record " + std::to_string(expected->seq) +
                         ": differs from what a checkpoint signed");
        }
        sealed_seq = expected->seq;
        expected = KH_TRY(signed_heads.next());
      }
    }
    if (expected) {
      const auto newest = sealed_.find(name);
      walker.problem("ends at record " + std::to_string(walker.head().seq) +
                     ", but a checkpoint signed record " +
                     std::to_string(newest == sealed_.end() ? expected->seq : newest->second.seq) +
                     " (truncated)");
    } else {
      result_.unsealed += walker.head().seq - std::min(sealed_seq, walker.head().seq);
      walker.check_end();
    }
    return {};
  }

  // The heads of one stream in the order of the checkpoints, without repeats.
  class SignedHeads {
   public:
    SignedHeads(Verifier& verifier, const std::string& name)
        : walker_(verifier.walk_checkpoints(ignored_problems_)),
          name_(name),
          remaining_(verifier.result_.checkpoints) {}
    Result<std::optional<Head>> next() {
      while (remaining_ > 0) {
        const auto record = KH_TRY(walker_.next());
        if (!record) break;
        --remaining_;
        const auto heads = parse_heads(record->event_json);
        if (!heads) continue;
        const auto found = heads->find(name_);
        if (found == heads->end() || found->second.seq <= last_seq_) continue;
        last_seq_ = found->second.seq;
        return std::optional(found->second);
      }
      return std::optional<Head>();
    }

   private:
    std::vector<std::string> ignored_problems_;  // reported by the first walk
    Walker walker_;
    std::string name_;
    std::uint64_t remaining_;
    std::uint64_t last_seq_ = 0;
  };

  const std::string& directory_;
  ByteView public_key_;
  Reading reading_;
  SegmentLists lists_;
  Heads sealed_;  // of the newest checkpoint
  Verification result_;
  std::vector<std::string> notes_of_first_;
};

}  // namespace

Result<Verification> verify_log(const std::string& directory, ByteView public_key) {
  return Verifier(directory, public_key, nullptr).run();
}

Result<Verification> verify_log(const std::string& directory, ByteView public_key,
                                const VerifyOptions& options) {
  return Verifier(directory, public_key, &options).run();
}

}  // namespace keyhaven::audit
