// The kernel: processes, name spaces and channels. It imports no C library and knows no device by name.
//
// Lock order. A thread that holds one of these may take only those indented below it, and calls no device, no
// note handler and no host call that can block while it holds any:
//
//     Proc.state (a child's before its parent's is never needed: exit takes them one after the other)
//         System.procs
//         ChildWatch.records
//         Fgrp.table
//         Pgrp.state
//         Egrp.state
//         PathNode.tree
//             WaitQueue.lines
//                 Waiter.state
//                     Parker
//     Mhead.lastPlace, Hangups.entries, Account.used, Moment.state, FileLocks.state,
//     Kept.extras, HostPlaces.places (nothing below them)
//     a device's own state
//         WaitQueue.lines ...
//
// A Chan is dropped outside every lock: its last reference runs the device's `close`.

@_exported import NineP

/// Errors are Host's, so that host calls can throw them; everybody above says `SysError` by way of the kernel.
public typealias SysError = Host.SysError

/// A key pair, by which peers know each other. See `Host.HostKey`.
public typealias KeyPair = Host.HostKey

/// The one lock type, and pages of a file on their way to a socket. See `Host`.
public typealias Lock = Host.Lock
public typealias Conduit = Host.HostConduit

import Host
