"""Sigma rules -> a rule table: load_rules, then compile_table. What is refused is named, never skipped."""

from sensor.compiler.grammar import shipped_grammars
from sensor.compiler.ir import Logsource, Rule, RuleInfo
from sensor.compiler.load import RuleSet, load_rules
from sensor.compiler.table import CompiledRules, build

__all__ = ["CompiledRules", "Logsource", "Rule", "RuleInfo", "RuleSet", "compile_table", "load_rules"]


def compile_table(ruleset: RuleSet) -> CompiledRules:
    """The rule table of what was loaded, with the grammars of this installation."""
    return build(ruleset.rules, shipped_grammars())
