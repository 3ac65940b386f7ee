"""Sigma rules -> a rule table: load_rules, then compile_table. What is refused is named, never skipped."""

from sensor.compiler.grammar import shipped_grammars, shipped_win_grammars
from sensor.compiler.ir import Logsource, Rule, RuleInfo
from sensor.compiler.load import RuleSet, load_rules
from sensor.compiler.table import CompiledRules, build
from sensor.progress import Update

__all__ = ["CompiledRules", "Logsource", "Rule", "RuleInfo", "RuleSet", "compile_table", "load_rules"]


def compile_table(ruleset: RuleSet, progress: Update | None = None) -> CompiledRules:
    """The rule table of what was loaded, with the grammars of this installation; with those of Windows' programs if a
    rule may look at Windows. `progress` hears (done, of all)."""
    windows = any(rule.info.logsource.product in {"", "windows"} for rule in ruleset.rules)
    return build(ruleset.rules, shipped_grammars(), progress, shipped_win_grammars() if windows else b"")
