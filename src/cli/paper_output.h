// Pages with secrets: how they look and where they go. Never to a log, never into an existing file.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "tke/paper.h"

namespace CLI {
class App;
}

namespace keyhaven::cli {

class Context;

struct PaperOutput {
  std::string file;  // empty and "-": standard output
  std::string format = "text";
  std::string deployment;
};

// --format, --deployment.
void add_paper_options(CLI::App& verb, PaperOutput& output);
tke::PaperFormat format_of(const PaperOutput& output);
// --deployment, else the service's address, else "-".
std::string deployment_text(Context& context, const PaperOutput& output);

// A new file with mode 0600, or the context's output for "" and "-". Errors: AlreadyExists, Io.
Result<void> write_page(Context& context, const std::string& file, const SecretBytes& page);

}  // namespace keyhaven::cli
