#include "unitd/state_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "unit/table_state.h"
#include "unitd/sealing_file.h"
#include "unitd/state_format1.h"

namespace keyhaven::unitd {
namespace {

using unit::SealingMethod;

constexpr std::string_view kStateLabel = "keyhaven unit state file v2";
constexpr std::size_t kMostFileBytes =
    kMostHeaderBytes + unit::kMaxStateBytes + crypto::kXaesOverhead;

crypto::XaesKey state_key(const SecretBytes& data_key) {
  return crypto::XaesKey(crypto::hkdf_sha256(data_key, {}, kStateLabel, crypto::kXaesKeySize));
}

// The same state without what the quorum loads again: registers, and the keys that importing them
// used (who recorded a ceremony could open it with those).
Result<SecretBytes> without_master_keys(const SecretBytes& state) {
  unit::TableState table = KH_TRY(unit::parse_state(state.expose(), unit::master_key_names()));
  for (auto& [id, instance] : table.instances) {
    for (unit::DomainState& domain : instance.units) {
      for (unit::Register* held : {&domain.current, &domain.pending}) {
        if (held->full() && held->key->bytes() != nullptr) *held = {};  // else it is in a token
      }
      domain.importer.reset();
    }
  }
  return unit::serialize_state(table);
}

}  // namespace

Bytes seal_state(const SecretBytes& data_key, const StateHeader& header, const SecretBytes& state) {
  Bytes out = encode_header(header);
  const Bytes sealed = state_key(data_key).seal(state.expose(), out);
  append(out, sealed);
  return out;
}

Bytes seal_state_with_nonce_for_example(const SecretBytes& data_key, const StateHeader& header,
                                        const SecretBytes& state, ByteView nonce) {
  Bytes out = encode_header(header);
  const Bytes sealed = state_key(data_key).seal_with_nonce_for_vectors(nonce, state.expose(), out);
  append(out, nonce);
  append(out, sealed);
  return out;
}

Result<SecretBytes> open_state(const SecretBytes& data_key, const ParsedHeader& parsed,
                               ByteView file) {
  auto state = state_key(data_key).open(file.subspan(parsed.size), file.first(parsed.size));
  if (state) return state;
  return Error{
      Reason::DecryptFailed, "it is damaged or cut short; restore the last good copy of it", {}};
}

Result<bool> path_exists(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT) return false;
  return Error{Reason::Io, "cannot examine " + path, ""};
}

Result<std::unique_ptr<StateFile>> StateFile::open(const StateFileOptions& options,
                                                   SealingSource& source) {
  KH_TRY(make_directory(options.directory, 0700));
  DirectoryLock lock = KH_TRY(DirectoryLock::acquire(options.directory));
  const std::string path = options.directory + "/state";
  std::unique_ptr<StateFile> file(new StateFile(std::move(lock), path, source));
  const bool has_state = KH_TRY(path_exists(path));
  if (!has_state) {
    KH_TRY(file->begin(options));
    return file;
  }
  if (auto loaded = file->load(options); !loaded) {
    return Error{loaded.error().reason,
                 "the state " + path + " cannot be used: " + loaded.error().message, ""};
  }
  return file;
}

Result<void> StateFile::begin(const StateFileOptions& options) {
  current_ = KH_TRY(new_seal(options.method, options.reference, Occasion::FirstStart));
  return {};
}

Result<void> StateFile::load(const StateFileOptions& options) {
  const Bytes content = KH_TRY(read_file(path_, kMostFileBytes));
  if (is_format1(content)) return load_format1(content);
  ParsedHeader parsed = KH_TRY(parse_header(content));
  StateHeader& header = parsed.header;
  current_.sealing = KH_TRY(source_.stored(header.method, header.key.parameters));
  current_.data_key = KH_TRY(current_.sealing->unwrap(header.key));
  state_ = KH_TRY(open_state(current_.data_key, parsed, content));
  KH_TRY(check_age(header, options));
  counter_ = header.counter;
  if (options.accept_counter == header.counter) accepted_copy_ = header.counter;
  current_.key = std::move(header.key);
  if (header.method != options.method) {
    note_ = "the state is sealed by " + std::string(name_of(header.method)) +
            ", the configuration says " + std::string(name_of(options.method)) +
            "; the configuration counts at the first start only: `keyhaven unit sealing` changes "
            "the method";
  }
  if (!is_accepted_old_copy_) return {};
  note_ = "an old copy of the state (counter " + std::to_string(counter_) +
          ") was accepted by unit.accept_state_counter; take the setting out again";
  // A new secret and counter: neither this copy nor a newer lost one opens unnoticed later.
  const unit::SealingChange again{header.method, current_.sealing->reference()};
  KH_TRY(change(again, [this] { return save(*state_); }));
  return {};
}

Result<void> StateFile::check_age(const StateHeader& header, const StateFileOptions& options) {
  auto checked = current_.sealing->check_age(header.age);
  if (checked || checked.error().reason != Reason::Conflict) return checked;
  is_accepted_old_copy_ = options.accept_counter != 0 && options.accept_counter == header.counter;
  if (is_accepted_old_copy_) return {};
  return Error{Reason::Conflict,
               checked.error().message + ". If there is no newer one, set " +
                   "unit.accept_state_counter = " + std::to_string(header.counter) +
                   " to go on with this copy; what was changed after it is then lost",
               {}};
}

Result<void> StateFile::load_format1(ByteView content) {
  // Format 1 was sealed by the key file itself, which now wraps a data key.
  current_ = KH_TRY(new_seal(SealingMethod::KeyFile, {}, Occasion::NewFormat));
  const SecretBytes key = KH_TRY(read_sealing_key(current_.sealing->reference()));
  OpenedState opened = KH_TRY(open_format1(key, content));
  counter_ = opened.counter;
  state_ = std::move(opened.state);
  return save(*state_);
}

Result<StateFile::Seal> StateFile::new_seal(SealingMethod method, const std::string& reference,
                                            Occasion occasion) {
  Seal out;
  out.sealing = KH_TRY(source_.create(method, reference));
  out.data_key = crypto::random_secret(kDataKeySize);
  auto wrapped = out.sealing->wrap(out.data_key, occasion);
  if (!wrapped) {
    out.sealing->abandoned();
    return wrapped.error();
  }
  out.key = std::move(wrapped).value();
  return out;
}

Result<void> StateFile::save(const SecretBytes& state) {
  const std::lock_guard lock(mutex_);
  Seal& seal = next_ ? *next_ : current_;
  StateHeader header;
  header.method = seal.sealing->method();
  header.counter = counter_ + 1;
  header.age = KH_TRY(seal.sealing->age_of_next());
  header.key = seal.key;
  Bytes content;
  if (seal.sealing->keeps_master_keys()) {
    content = seal_state(seal.data_key, header, state);
  } else {
    const SecretBytes kept = KH_TRY(without_master_keys(state));
    content = seal_state(seal.data_key, header, kept);
  }
  KH_TRY(write_file_atomic(path_, content, 0600));
  ++counter_;
  if (next_) {
    replaced_ = std::exchange(current_, std::move(*next_));
    next_.reset();
  }
  current_.sealing->saved();
  return {};
}

unit::SealingStatus StateFile::status() const {
  const std::lock_guard lock(mutex_);
  return {current_.sealing->method(), current_.sealing->reference(), counter_,
          current_.sealing->detects_old_state()};
}

Result<unit::SealingStatus> StateFile::change(const unit::SealingChange& change,
                                              const std::function<Result<void>()>& save_all) {
  const std::lock_guard one_at_a_time(change_mutex_);
  Seal prepared = KH_TRY(new_seal(change.method, change.reference, Occasion::Change));
  {
    const std::lock_guard lock(mutex_);
    next_ = std::move(prepared);
  }
  const Result<void> saved = save_all();
  std::optional<Seal> replaced;
  {
    const std::lock_guard lock(mutex_);
    if (next_) {  // nothing was written with it
      next_->sealing->abandoned();
      next_.reset();
      KH_ASSERT(!saved);
      return saved.error();
    }
    replaced = std::exchange(replaced_, std::nullopt);
  }
  // Only this function replaces `current_`, and it runs once at a time.
  current_.sealing->committed();
  replaced->sealing->retire(change.method);
  return status();
}

}  // namespace keyhaven::unitd
