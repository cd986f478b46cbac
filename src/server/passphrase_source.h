// Where the launcher gets the passphrase that seals the unit's state: a descriptor that keyhavend
// was started with, or the terminal. Only the launcher reads it; it keeps it in locked memory, to
// give it to each unit that it starts.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::server {

inline constexpr std::size_t kMaxPassphraseBytes = 1024;

enum class Asked : std::uint8_t { Once, Twice };  // twice when it is chosen: a slip would lock out

// Reads from "terminal" (without echo, at most three times) or "fd:N" (to its end). One line end
// after it is cut. Gives up when `control` is closed or readable. Errors: InvalidArgument (source
// malformed, no terminal, empty, too long, the two differ), Io.
Result<SecretBytes> read_passphrase_from(const std::string& source, Asked asked, int control);

// Whether a text is "", "terminal" or "fd:N" with N from 3 on.
bool is_passphrase_source(const std::string& source) noexcept;

// Whether the source can be read: true for "" and "terminal", for "fd:N" when N is open.
bool is_open_passphrase_source(const std::string& source) noexcept;

// Closes the descriptor of "fd:N" in this process.
void close_passphrase_descriptor(const std::string& source) noexcept;

}  // namespace keyhaven::server
