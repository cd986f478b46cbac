#include "tke/key_share.h"

#include <algorithm>
#include <charconv>

#include "base/clock.h"
#include "base/wire.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "tke/certificate.h"
#include "tke/string_fields.h"

namespace keyhaven::tke {

namespace {

constexpr std::string_view kFirstLine = "keyhaven share transcript 1\n";
constexpr std::string_view kCommitmentDomain = "keyhaven key share commitment 1";
constexpr std::string_view kSignatureDomain = "keyhaven share transcript signature 1";
constexpr std::size_t kMaxSignatureBytes = 256;  // RSA

Error bad(const std::string& what) {
  return {Reason::InvalidArgument, "share transcript: " + what, {}};
}

Error wrong(const std::string& what) { return {Reason::Conflict, what, "share"}; }

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kMaxPartLabelBytes && label.front() != ' ' &&
         label.back() != ' ' && is_plain_text(label);
}

std::string number_text(const KeyShare& share) {
  return "share " + std::to_string(share.share.x) + " of set " + to_hex(share.set);
}

// The lines that are signed.
std::string signed_text(const ShareTranscript& transcript) {
  std::string out(kFirstLine);
  out += "set " + to_hex(transcript.set) + "\npart " + transcript.label + "\nhash " +
         pattern_text(transcript.part_hash) + "\nmade " + transcript.made + "\nshares " +
         std::to_string(transcript.threshold) + " of " + std::to_string(transcript.share_count()) +
         "\n";
  for (std::size_t i = 0; i < transcript.commitments.size(); ++i)
    out += "commitment " + std::to_string(i + 1) + ' ' + to_hex(transcript.commitments[i]) + '\n';
  return out;
}

Digest commitment_of(const ShareSetId& set, std::string_view label, const KeyShare& share) {
  Bytes head;
  Writer writer(head);
  writer.text32(kCommitmentDomain);
  writer.raw(set);
  writer.text32(label);
  writer.u8(static_cast<std::uint8_t>(share.threshold));
  writer.u8(static_cast<std::uint8_t>(share.share_count));
  writer.u8(share.share.x);
  return crypto::sha256({head, share.blinding.expose(), share.share.y.expose()});
}

// Takes the text apart line by line; the first fault stays.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  // What follows "KEYWORD " on the next line; empty after a fault.
  std::string_view value(std::string_view keyword) {
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos || !rest_.starts_with(keyword) ||
        rest_.size() <= keyword.size() || rest_[keyword.size()] != ' ') {
      rest_ = {};
      ok_ = false;
      return {};
    }
    const std::string_view out = rest_.substr(keyword.size() + 1, end - keyword.size() - 1);
    rest_.remove_prefix(end + 1);
    return out;
  }
  bool at_end() const noexcept { return rest_.empty(); }
  bool ok() const noexcept { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

template <std::size_t size>
bool read_hex(std::string_view text, std::array<std::uint8_t, size>& out) {
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != size) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

bool read_number(std::string_view text, unsigned& out) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), out);
  return failed == std::errc{} && end == text.data() + text.size();
}

// "3 of 5".
bool read_counts(std::string_view text, unsigned& threshold, unsigned& share_count) {
  constexpr std::string_view kOf = " of ";
  const std::size_t of = text.find(kOf);
  return of != std::string_view::npos && read_number(text.substr(0, of), threshold) &&
         read_number(text.substr(of + kOf.size()), share_count) &&
         threshold >= kMinShareThreshold && threshold <= share_count && share_count <= kMaxShares;
}

Result<TranscriptSignature> read_signature(std::string_view text) {
  const std::size_t first = text.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : text.find(' ', first + 1);
  if (second == std::string_view::npos) return bad("a signature line is malformed");
  TranscriptSignature out;
  const auto spki = from_hex(text.substr(0, first));
  auto signature = from_hex(text.substr(first + 1, second - first - 1));
  out.name = text.substr(second + 1);
  if (!spki || !signature || signature->empty() || signature->size() > kMaxSignatureBytes ||
      !is_label(out.name)) {
    return bad("a signature line is malformed");
  }
  auto key = AdministratorKey::from_spki(*spki);
  if (!key) return bad("the key of " + out.name + " is of no kind that administrators have");
  out.key = std::move(key).value();
  out.signature = std::move(signature).value();
  return out;
}

Result<void> check_made(const std::string& made) {
  const auto time = parse_rfc3339(made);
  if (time && made.ends_with('Z') && made.size() == std::string_view("2026-11-26T10:00:00Z").size())
    return {};
  return bad("the time is not like 2026-11-26T10:00:00Z");
}

Result<void> read_head(Lines& lines, ShareTranscript& out, unsigned& share_count) {
  const bool good_set = read_hex(lines.value("set"), out.set);
  out.label = lines.value("part");
  const bool good_hash = read_hex(lines.value("hash"), out.part_hash);
  out.made = lines.value("made");
  const bool good_counts = read_counts(lines.value("shares"), out.threshold, share_count);
  if (!lines.ok() || !good_set || !is_label(out.label) || !good_hash || !good_counts)
    return bad("the lines set, part, hash, made, shares are malformed");
  return check_made(out.made);
}

}  // namespace

Bytes transcript_message(const ShareTranscript& transcript) {
  Bytes out;
  Writer writer(out);
  writer.text32(kSignatureDomain);
  writer.text32(signed_text(transcript));
  return out;
}

std::string encode_transcript(const ShareTranscript& transcript) {
  std::string out = signed_text(transcript);
  for (const TranscriptSignature& one : transcript.signatures)
    out +=
        "signature " + to_hex(one.key.spki()) + ' ' + to_hex(one.signature) + ' ' + one.name + '\n';
  return out;
}

Result<ShareTranscript> parse_transcript(std::string_view text) {
  if (text.size() > kMaxTranscriptBytes) return bad("larger than 12 KiB");
  if (!text.starts_with(kFirstLine)) return bad("this is none");
  Lines lines(text.substr(kFirstLine.size()));
  ShareTranscript out;
  unsigned share_count = 0;
  KH_TRY(read_head(lines, out, share_count));
  for (unsigned number = 1; number <= share_count; ++number) {
    Digest commitment{};
    const std::string_view value = lines.value("commitment");
    const std::string prefix = std::to_string(number) + ' ';
    if (!value.starts_with(prefix) || !read_hex(value.substr(prefix.size()), commitment))
      return bad("the line of commitment " + std::to_string(number) + " is malformed");
    out.commitments.push_back(commitment);
  }
  while (!lines.at_end()) {
    if (out.signatures.size() == kMaxTranscriptSignatures) return bad("more than 8 signatures");
    TranscriptSignature signature = KH_TRY(read_signature(lines.value("signature")));
    out.signatures.push_back(std::move(signature));
  }
  if (!lines.ok() || encode_transcript(out) != text) return bad("not in its one form");
  return out;
}

Result<MadeShares> make_key_shares(const SecretBytes& part, const std::string& label,
                                   const std::string& made, unsigned threshold,
                                   unsigned share_count) {
  if (part.size() != kMasterKeySize)
    return Error{Reason::InvalidField, "a key part has 32 bytes", "value"};
  if (!is_label(label)) return bad("the label of the part has 1 to 30 printable characters");
  KH_TRY(check_made(made));
  auto split = KH_TRY(split_secret(part, threshold, share_count));
  MadeShares out;
  crypto::random_bytes(out.transcript.set);
  out.transcript.label = label;
  out.transcript.part_hash = key_part_hash(part);
  out.transcript.made = made;
  out.transcript.threshold = threshold;
  for (ShamirShare& one : split) {
    KeyShare share{out.transcript.set, threshold, share_count, std::move(one),
                   crypto::random_secret(kShareBlindingSize)};
    out.transcript.commitments.push_back(commitment_of(share.set, label, share));
    out.shares.push_back(std::move(share));
  }
  return out;
}

Result<void> sign_transcript(ShareTranscript& transcript, const std::string& name,
                             const Signer& signer) {
  if (transcript.signatures.size() == kMaxTranscriptSignatures)
    return Error{Reason::TooLarge, "a transcript has at most 8 signatures", "signer"};
  if (!is_label(name)) return bad("a signer's name has 1 to 30 printable characters");
  for (const TranscriptSignature& other : transcript.signatures) {
    if (other.key.ski() == signer.ski())
      return bad(name + " and " + other.name + " sign with the same key");
  }
  Bytes signature = KH_TRY(signer.sign(transcript_message(transcript)));
  transcript.signatures.push_back({name, signer.key(), std::move(signature)});
  return {};
}

Result<void> verify_transcript(const ShareTranscript& transcript, const std::vector<Ski>& trusted) {
  const Bytes message = transcript_message(transcript);
  std::string signers;
  bool is_trusted = false;
  for (const TranscriptSignature& one : transcript.signatures) {
    const Ski ski = one.key.ski();
    if (!one.key.verify(message, one.key.algorithm(), one.signature)) {
      return Error{Reason::Forbidden,
                   "the transcript of set " + to_hex(transcript.set) +
                       " was changed: the signature of " + one.name + " (" + to_hex(ski) +
                       ") does not verify",
                   "transcript"};
    }
    is_trusted = is_trusted || std::find(trusted.begin(), trusted.end(), ski) != trusted.end();
    signers += "\n  " + one.name + "  " + to_hex(ski);
  }
  if (is_trusted) return {};
  if (signers.empty())
    return Error{Reason::Forbidden,
                 "the transcript of set " + to_hex(transcript.set) + " is not signed",
                 "transcript"};
  return Error{Reason::Forbidden,
               "nobody whom you trust signed the transcript of set " + to_hex(transcript.set) +
                   ". Its signers are" + signers,
               "transcript"};
}

Result<void> check_key_share(const ShareTranscript& transcript, const KeyShare& share) {
  if (share.set != transcript.set) {
    return wrong(number_text(share) + " belongs to another set than " + to_hex(transcript.set) +
                 " of key part " + transcript.label);
  }
  if (share.threshold != transcript.threshold || share.share_count != transcript.share_count() ||
      share.share.x == 0 || share.share.x > transcript.share_count()) {
    return wrong(number_text(share) + " does not fit the transcript, which has " +
                 std::to_string(transcript.threshold) + " of " +
                 std::to_string(transcript.share_count()) + " shares");
  }
  const Digest commitment = commitment_of(transcript.set, transcript.label, share);
  const Digest& expected = transcript.commitments[static_cast<std::size_t>(share.share.x - 1)];
  if (share.share.y.size() == kMasterKeySize && share.blinding.size() == kShareBlindingSize &&
      commitment == expected) {
    return {};
  }
  return wrong(number_text(share) + " is wrong: it is not the one that the transcript commits to");
}

Result<SecretBytes> combine_key_shares(const ShareTranscript& transcript,
                                       const std::vector<const KeyShare*>& shares) {
  std::vector<const ShamirShare*> chosen;
  for (const KeyShare* share : shares) {
    KH_TRY(check_key_share(transcript, *share));
    for (const ShamirShare* other : chosen) {
      if (other->x == share->share.x) return wrong(number_text(*share) + " is given twice");
    }
    chosen.push_back(&share->share);
  }
  if (chosen.size() < transcript.threshold) {
    const std::size_t missing = transcript.threshold - chosen.size();
    return wrong(std::to_string(missing) + (missing == 1 ? " share is" : " shares are") +
                 " missing: key part " + transcript.label + " needs " +
                 std::to_string(transcript.threshold) + " of the " +
                 std::to_string(transcript.share_count()) + " shares of set " +
                 to_hex(transcript.set) + ", " + std::to_string(chosen.size()) + " are given");
  }
  chosen.resize(transcript.threshold);  // the others were checked and add nothing
  SecretBytes part = KH_TRY(combine_shares(chosen));
  if (key_part_hash(part) == transcript.part_hash) return part;
  // Cannot be, unless who made the set committed to shares of another secret.
  return wrong("the shares of set " + to_hex(transcript.set) +
               " are those committed to, but do not give the key part whose hash was signed");
}

}  // namespace keyhaven::tke
