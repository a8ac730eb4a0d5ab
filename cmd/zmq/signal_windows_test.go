package main

import "os"

// stopSignals is empty: one process cannot send another a signal that it could
// handle.
var stopSignals []os.Signal
