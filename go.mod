module zeromux

go 1.26
