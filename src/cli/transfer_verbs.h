// The verbs of `keyhaven transfer`, one file each; transfer_commands.cc puts them together.
#pragma once

namespace CLI {
class App;
}

namespace keyhaven::cli {

class Context;

void add_transfer_offer(CLI::App& transfer, Context& context);
void add_transfer_export(CLI::App& transfer, Context& context);
void add_transfer_show(CLI::App& transfer, Context& context);
void add_transfer_consent(CLI::App& transfer, Context& context);
void add_transfer_import(CLI::App& transfer, Context& context);
void add_transfer_verify(CLI::App& transfer, Context& context);
void add_transfer_status(CLI::App& transfer, Context& context);  // status, close

}  // namespace keyhaven::cli
