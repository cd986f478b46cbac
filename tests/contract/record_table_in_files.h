// The unit's table of records with its journal and keys in two files, which outlive a process that
// is killed; as the unit has them, but not sealed.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/wire.h"
#include "unit/record_table.h"

namespace keyhaven::contract {

class RecordTableInFiles final : private unit::RecordKeySink, private unit::RecordSink {
 public:
  explicit RecordTableInFiles(const std::string& prefix)
      : journal_(prefix + ".journal"), keys_file_(prefix + ".keys") {
    table_ =
        std::make_unique<unit::RecordTable>(read_keys(), static_cast<unit::RecordKeySink&>(*this),
                                            static_cast<unit::RecordSink&>(*this));
    replay();
    table_->replayed();
    fd_ = ::open(journal_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    KH_ASSERT(fd_ >= 0);
  }
  ~RecordTableInFiles() override { ::close(fd_); }
  RecordTableInFiles(const RecordTableInFiles&) = delete;
  RecordTableInFiles& operator=(const RecordTableInFiles&) = delete;

  unit::RecordTable& operator*() noexcept { return *table_; }
  unit::RecordTable* operator->() noexcept { return table_.get(); }

 private:
  static constexpr std::size_t kMaxEntry = 1 << 24;

  // A torn last entry was never answered.
  void replay() {
    const auto content = read_file(journal_, SIZE_MAX);
    if (!content) return;
    Reader in(*content);
    std::size_t whole = 0;
    while (in.remaining() > 0) {
      const ByteView entry = in.bytes32(kMaxEntry);
      if (!in.ok()) break;
      KH_ASSERT(table_->replay(entry).has_value());
      whole = content->size() - in.remaining();
    }
    KH_ASSERT(::truncate(journal_.c_str(), static_cast<off_t>(whole)) == 0);
  }
  Result<void> append(ByteView entry, Durability) override {
    Bytes framed;
    Writer(framed).bytes32(entry);
    KH_ASSERT(::write(fd_, framed.data(), framed.size()) == static_cast<ssize_t>(framed.size()));
    return {};
  }
  Result<void> replace(const Entries&) override { return {}; }
  bool is_oversized(std::uint64_t) const override { return false; }
  bool has_units(const InstanceId&) const override { return true; }

  unit::RecordKeys read_keys() {
    unit::RecordKeys keys;
    const auto content = read_file(keys_file_, SIZE_MAX);
    if (!content) return keys;
    Reader in(*content);
    keys.guarding = in.u8() == 1;
    keys.run = in.u64();
    while (in.remaining() > 0) {
      const unit::RecordScope scope{in.uuid()};
      const std::uint32_t epoch = in.u32();
      keys.scopes[scope].push_back({epoch, SecretBytes::copy_of(in.raw(32))});
    }
    KH_ASSERT(in.ok());
    return keys;
  }
  Result<void> save_record_keys(const unit::RecordKeys& keys) override {
    Bytes bytes;
    Writer out(bytes);
    out.u8(keys.guarding ? 1 : 0);
    out.u64(keys.run);
    for (const auto& [scope, list] : keys.scopes) {
      for (const unit::RecordKey& key : list) {
        out.uuid(scope.uuid);
        out.u32(key.epoch);
        out.raw(key.key.expose());
      }
    }
    return write_file_atomic(keys_file_, bytes, 0600);
  }

  const std::string journal_;
  const std::string keys_file_;
  int fd_ = -1;
  std::unique_ptr<unit::RecordTable> table_;
};

}  // namespace keyhaven::contract
