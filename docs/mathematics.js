// Formulas between \( \) and \[ \], which is what arithmatex makes of $ $ and $$ $$.
document.addEventListener("DOMContentLoaded", () => renderMathInElement(document.body));
