startLanguage();
startWide();
