// The two ends of the wire: the mount device, by which servers elsewhere are seen, and the exporter, by which others see
// what is here. What emu.conf does not list of it is not compiled.
//
// Lock order: a MntOpen's state, then its link's, then wait queues; an ExportSession's state, then nothing. The line of an
// export's workers, its locks of ranges and a fid's listing stand alone. None is held when a device is called.
