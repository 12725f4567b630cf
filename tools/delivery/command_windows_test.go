package delivery_test

var otherCommands map[string]func(leave func(file, text string))
