package handover_test

var otherCommands map[string]func(leave func(file, text string))
