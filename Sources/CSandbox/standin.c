/* The stand-in: the program that a process of a view runs while a program of ours runs in its place. It keeps the process's
 * number, group and descriptors, hands on each signal that comes, and ends or stops as it is told.
 *
 * It has no library and no memory but its stack, so that it runs where nothing of the host can be seen. */
#include "csandbox.h"

#include <elf.h>
#include <string.h>

#if defined(__x86_64__)
/* Call CSANDBOX_STANDIN is trapped: it tells the signal, 0 where it has just begun or went on, and is told what to do. */
__asm__(
    ".pushsection .rodata\n"
    "standin_begin:\n"
    "    mov $14, %eax\n" /* rt_sigprocmask(SIG_SETMASK, all) */
    "    mov $2, %edi\n"
    "    lea 9f(%rip), %rsi\n"
    "    xor %edx, %edx\n"
    "    mov $8, %r10d\n"
    "    syscall\n"
    "    xor %edi, %edi\n"
    "1:  mov $1000, %eax\n" /* told the signal in %edi */
    "    syscall\n"
    "    mov %eax, %ebx\n"
    "    test $0x100, %ebx\n"
    "    jnz 3f\n"
    "    test $0x200, %ebx\n"
    "    jnz 4f\n"
    "2:  mov $128, %eax\n" /* rt_sigtimedwait(all, nothing, for ever) */
    "    lea 9f(%rip), %rdi\n"
    "    xor %esi, %esi\n"
    "    xor %edx, %edx\n"
    "    mov $8, %r10d\n"
    "    syscall\n"
    "    test %eax, %eax\n"
    "    js 2b\n"
    "    mov %eax, %edi\n"
    "    jmp 1b\n"
    "3:  movzbl %bl, %edi\n" /* exit_group */
    "    mov $231, %eax\n"
    "    syscall\n"
    "4:  mov $39, %eax\n" /* kill(getpid(), signal), which is let through then */
    "    syscall\n"
    "    mov %eax, %edi\n"
    "    movzbl %bl, %esi\n"
    "    mov $62, %eax\n"
    "    syscall\n"
    "    movzbl %bl, %ecx\n"
    "    dec %ecx\n"
    "    mov $1, %eax\n"
    "    shl %cl, %rax\n"
    "    push %rax\n"
    "    mov $14, %eax\n" /* rt_sigprocmask(SIG_UNBLOCK, signal) */
    "    mov $1, %edi\n"
    "    mov %rsp, %rsi\n"
    "    xor %edx, %edx\n"
    "    mov $8, %r10d\n"
    "    syscall\n"
    "    pop %rax\n"
    "    jmp standin_begin\n"
    "    .balign 8\n"
    "9:  .quad -1\n"
    "standin_end:\n"
    ".popsection\n");
enum { MACHINE = EM_X86_64 };
_Static_assert(CSANDBOX_STANDIN == 1000 && CSANDBOX_EXIT == 0x100 && CSANDBOX_RAISE == 0x200, "as above");

extern const char standin_begin[], standin_end[];

size_t csandbox_standin(void *bytes, size_t room) {
    size_t code = (size_t)(standin_end - standin_begin), head = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
    const Elf64_Addr base = 0x400000;
    if (room < head + code) return 0;
    Elf64_Ehdr elf = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC, .e_machine = MACHINE, .e_version = EV_CURRENT, .e_entry = base + head,
        .e_phoff = sizeof elf, .e_ehsize = sizeof elf, .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1,
    };
    Elf64_Phdr part = {
        .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = base, .p_paddr = base, .p_filesz = head + code,
        .p_memsz = head + code, .p_align = 4096,
    };
    memcpy(bytes, &elf, sizeof elf);
    memcpy((char *)bytes + sizeof elf, &part, sizeof part);
    memcpy((char *)bytes + head, standin_begin, code);
    return head + code;
}
#else
/* There is none for this machine yet: programs of ours are then nothing that one of the host's could run. */
size_t csandbox_standin(void *bytes, size_t room) {
    (void)bytes, (void)room;
    return 0;
}
#endif
