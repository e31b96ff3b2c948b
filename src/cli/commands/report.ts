/** stub */
import { Command } from "commander";
import type { CommandContext } from "../context.js";
export function reportCommand(_context: CommandContext): Command {
  return new Command("report");
}
