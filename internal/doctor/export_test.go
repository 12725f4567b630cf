package doctor

// CleanLines is for a fuzz test.
var CleanLines = cleanLines
