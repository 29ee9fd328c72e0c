// The model page: its language and its charts.
startLanguage();
startWide();
startCharts();
