import { Help, type HelpConfiguration } from "commander";

/** As narrow as a terminal is at first, or a page that a help is copied into. */
const WIDTH = 80;

/** How every command is described: in paragraphs, as wide as the terminal, whatever the lines of the source are. */
export const HELP: HelpConfiguration = {
  showGlobalOptions: false,
  sortSubcommands: false,
  commandDescription: (command) => command.description().replace(/(\S)\n(?=\S)/g, "$1 "),
};

/** Terms and what they mean, under each other, as commander lists options. */
export function listTerms(meanings: Readonly<Record<string, string>>): string {
  const help = new Help();
  help.prepareContext({ helpWidth: WIDTH });
  const width = Math.max(...Object.keys(meanings).map((term) => term.length));
  return Object.entries(meanings)
    .map(([term, meaning]) => help.formatItem(term, width, meaning, help))
    .join("\n");
}
