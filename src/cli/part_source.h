// Key parts and shares from wherever custodians keep them: password-protected files, paper that is
// typed in, shares that are combined.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "cli/ceremony.h"
#include "tke/key_share.h"
#include "tke/paper.h"

namespace CLI {
class App;
}

namespace keyhaven::cli {

class Context;

// Reads a paper: line by line at the terminal, without echo and a wrong line asked for again; or
// with a file, "-" for standard input, where the first wrong line is the error. Errors:
// InvalidArgument, which names the line.
Result<SecretBytes> read_paper(Context& context, tke::PaperKind kind, const std::string& file,
                               const std::string& what);

// Shares that belong together, and whom the reader of their transcript trusts.
struct ShareChoices {
  std::vector<std::string> shares;  // "FILE[:PASSWORDFILE]" or "paper[:FILE]"
  // Needed for sets of which all shares are on paper; else those in the share files count.
  std::vector<std::string> transcript_files;
  std::vector<std::string> trusted;  // SKIs as 64 hex digits, besides those of the files' keys
};
// --share, --transcript, --trust-signer (tke_share_verbs.cc).
void add_share_sources(CLI::App& verb, ShareChoices& choices);
// Opens and checks each share against the signed transcript and combines them to the part. Errors:
// InvalidArgument, DecryptFailed, Forbidden (transcript not signed by somebody trusted), Conflict
// (a share that is wrong, foreign or repeated, or too few).
Result<KeyPart> combine_choices(Context& context, const CeremonyFiles& files,
                                const ShareChoices& choices);
// The same for shares of several parts at once: the part of each set that occurs. Errors: the same.
Result<std::vector<KeyPart>> combine_sets(Context& context, const CeremonyFiles& files,
                                          const ShareChoices& choices);

// Where custodians' parts come from in one recovery: "KEY[:PASSWORDFILE]" as open_key_parts, and
// "paper[:FILE]". Errors: as there.
Result<std::vector<KeyPart>> open_parts_anywhere(Context& context, const CeremonyFiles& files,
                                                 const std::vector<std::string>& choices);

}  // namespace keyhaven::cli
