# Runs Redis's own test suite in this folder, and goes on where the suite would end: run with the arguments of its `runtest`.
#
# Between two tests the suite prepares things, such as `r config set ...`, and ends if that fails. Here it goes on, and each test that
# needs what was refused fails by itself.

# Makes a procedure return nothing where it would fail between two tests.
proc forgive {name} {
    rename $name forgiven_$name
    proc $name {args} [string map [list NAME forgiven_$name] {
        set code [catch {uplevel 1 [list NAME {*}$args]} reply options]
        if {$code && $::cur_test eq ""} {
            return ""
        }
        return -options $options $reply
    }]
}

# The suite reads its files with this. Its tests are read last, when all else is defined.
rename source source_file
proc source {path} {
    if {[string match tests/unit/* $path] && [info commands forgiven_r] eq ""} {
        forgive r
        forgive assert_encoding
    }
    uplevel 1 [list source_file $path]
}

# Evaluated and not sourced: the suite starts a process of each of its clients with the script that runs, and that is to be this one.
set file [open tests/test_helper.tcl]
set helper [read $file]
close $file
eval $helper
