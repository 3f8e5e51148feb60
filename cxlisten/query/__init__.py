"""The boolean query language: which posts are mentions of what we listen for, and why.

    pellworth coffee                both words (as with AND)
    coffee OR tea                   either; AND binds tighter than OR, parentheses group
    coffee AND NOT giveaway         the second must be absent; a query of absences only is refused
    "flat white"                    these words in a row; signs between them do not count
    queue NEAR/5 (rude OR slow)     at most 5 words apart in either order; neighbours are 1 apart
    wait*    "iced coff*"           a word that begins so
    #pellworth    @pellworth        only the hashtag, only the handle (on any server: @pellworth@example.social too)
    source:reviews    lang:en       the source's name or platform; the primary language of the post

Operators are in capitals, and unquoted and, or, not are refused, because nobody can tell what they were meant to be.

A word is letters and digits with inner apostrophes. `coffee` is found in "Coffee's", "#coffee", "@coffee" and
"www.coffee.example", not in "coffeepot"; `oreal` is found in "L'Oréal". Case, accents, width and invisible characters
do not matter. `wi-fi` is the phrase "wi fi". Scripts without spaces (Chinese, Japanese, Thai and so on) have a word
for each character: a query word there is a phrase of its characters. Emoji and signs cannot be searched.
"""

from cxlisten.query.explanation import Explanation, explain, render
from cxlisten.query.expression import Expression
from cxlisten.query.matching import Matcher, compile
from cxlisten.query.parser import parse

__all__ = ["Explanation", "Expression", "Matcher", "compile", "explain", "parse", "render"]
