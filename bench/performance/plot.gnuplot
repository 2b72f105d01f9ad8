# gnuplot -e "data='sizes.dat'; picture='performance.svg'" plot.gnuplot
set terminal svg size 900,1000 font 'sans-serif,13' background rgb 'white'
set output picture
set datafile missing 'nan'
set grid
set logscale y
set logscale x 2
set format x '2^{%L}'
set xlabel 'floats in the state'
set multiplot layout 2,1

set title 'A step of DPM-Solver++ 2 multistep, beside the network'
set ylabel 'nanoseconds a step'
set format y '10^{%T}'
set yrange [10:1e9]
set key top left reverse Left
plot data using 1:8 with linespoints lc 8 title 'dpm, half', \
     data using 1:7 with linespoints lc 7 title 'dpm, bfloat16', \
     data using 1:6 with linespoints lc 2 title "an engine's vectors", \
     data using 1:5 with linespoints lc 4 title 'Eigen expressions', \
     data using 1:3 with linespoints lc 3 pt 6 ps 1.2 title 'loop by hand', \
     data using 1:4 with linespoints lc 6 lw 2 pt 7 ps 0.5 title 'dpm', \
     data using 1:9 with linespoints lc 1 title 'dpm, two threads', \
     data using 1:2 with lines lc rgb 'gray40' dt 2 title 'a copy of as many bytes'

set title 'The same as multiples of the loop by hand'
set ylabel 'times the loop by hand'
set format y '%g'
set yrange [0.25:100]
set key off
plot data using 1:($8/$3) with linespoints lc 8, \
     data using 1:($7/$3) with linespoints lc 7, \
     data using 1:($6/$3) with linespoints lc 2, \
     data using 1:($5/$3) with linespoints lc 4, \
     data using 1:($3/$3) with linespoints lc 3 pt 6 ps 1.2, \
     data using 1:($4/$3) with linespoints lc 6 lw 2 pt 7 ps 0.5, \
     data using 1:($9/$3) with linespoints lc 1, \
     data using 1:($2/$3) with lines lc rgb 'gray40' dt 2
unset multiplot
