from tools.wheels import wanted

LOCK = """\
# a comment
alpha==1.0 \\
    --hash=sha256:00
    # via plateau (pyproject.toml)
linux-alone==2.0 ; platform_machine == 'x86_64' and sys_platform == 'linux' \\
    --hash=sha256:00
mac-alone==3.0 ; sys_platform == 'darwin' \\
    --hash=sha256:00 \\
    --hash=sha256:01
antlr4-python3-runtime==4.9.3 \\
    --hash=sha256:00
"""


def test_what_a_mac_installs_is_to_have_a_wheel_and_nothing_else() -> None:
    assert wanted(LOCK) == ["alpha==1.0", "mac-alone==3.0"]
