// Where the verbs of `migrate` get the owner's key material from: files, standard input, PKCS#11
// tokens. Never from an argument.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "migrate/material.h"

namespace CLI {
class App;
}

namespace keyhaven::cli {

class Context;

struct MaterialArguments {
  std::string csv;                  // "-": standard input
  std::vector<std::string> files;   // KEY=FILE, "-" likewise
  std::vector<std::string> tokens;  // KEY=pkcs11:...
  std::string pin_file;
};

void add_material_options(CLI::App& command, MaterialArguments& arguments);

// Versions of a key in the order of the CSV, then of the files, then of the tokens. Errors:
// InvalidArgument, Io, and those of tokens (cli/token_signer.h, token/token.h).
Result<migrate::Material> load_material(Context& context, const MaterialArguments& arguments);

}  // namespace keyhaven::cli
